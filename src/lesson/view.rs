//! View cells: what there is to see inside the networks that a train cell has trained.

use super::body::Body;
use protocol::{ArmId, CellKey, ImageSplit, Layer, ViewKind};
use serde::Deserialize;

/// A view of the reader's own trained networks.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewCell {
    pub title: String,
    /// The lesson of the train cell; `None` for the view's own.
    pub lesson: Option<String>,
    /// The train cell whose run is shown.
    pub cell: String,
    pub show: ViewKind,
    /// The arms that are shown; the study's first two if none is named.
    pub arms: Vec<ArmId>,
    /// The layer that is shown, or to which the unit belongs.
    pub layer: Option<Layer>,
    /// Counted from 0.
    pub unit: Option<u32>,
    /// The place of the unit's output that products are of, in its feature map before pooling.
    pub row: u32,
    pub column: u32,
    /// Counted from 0 within its split.
    pub image: u32,
    pub split: ImageSplit,
    /// Stands below the view; may be empty.
    pub caption: String,
}

/// Whether a view of this kind is affected by a key of the cell's body.
fn takes(show: ViewKind, key: &str) -> bool {
    let is_of_network = matches!(show, ViewKind::Gradients | ViewKind::Confusion | ViewKind::Mistakes | ViewKind::Ask);
    match key {
        "image" => show.takes_image(),
        "split" => show != ViewKind::Filters,
        "layer" => !is_of_network,
        "unit" => !is_of_network && show != ViewKind::Histogram,
        "row" | "column" => show == ViewKind::Products,
        _ => true,
    }
}

impl ViewCell {
    /// The train cell, for a view in `lesson`.
    pub fn train_key(&self, lesson: &str) -> CellKey {
        CellKey { lesson: self.lesson.clone().unwrap_or_else(|| lesson.into()), cell: self.cell.clone() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewBody {
    #[serde(default, rename = "id")]
    _id: String,
    #[serde(default)]
    title: String,
    of: String,
    show: ViewKind,
    #[serde(default)]
    arms: Vec<ArmId>,
    layer: Option<Layer>,
    unit: Option<u32>,
    #[serde(default)]
    row: u32,
    #[serde(default)]
    column: u32,
    #[serde(default)]
    image: u32,
    #[serde(default)]
    split: ImageSplit,
    #[serde(default)]
    caption: String,
}

/// Reads the body of a `view` fence.
pub(super) fn view(body: &mut Body) -> Option<ViewCell> {
    for key in ["title", "of", "caption"] {
        body.refuse_empty(key);
    }
    let ViewBody { _id, title, of, show, arms, layer, unit, row, column, image, split, caption } = body.read()?;
    for key in ["layer", "unit", "row", "column", "image", "split"] {
        if body.place_of(key).is_some() && !takes(show, key) {
            body.fault_at(key, format!("this view has no `{key}`; leave it out"));
        }
    }
    if unit.is_some() && layer.is_none() && !body.is_refused("layer") {
        body.fault_at("unit", "a `unit` needs the `layer` that it is of");
    }
    if arms.len() > 2 {
        body.fault_at("arms", format!("{} arms; two stand side by side at most", arms.len()));
    }
    if arms.is_empty() && body.place_of("arms").is_some() && !body.is_refused("arms") {
        body.fault_at("arms", "`arms` names none; leave it out to show the first two");
    }
    if let [first, second] = arms.as_slice()
        && first == second
    {
        body.fault_at("arms", format!("`arms` has {first} twice; name it once, or another one beside it"));
    }
    let (lesson, cell) = match of.split_once('/') {
        Some((lesson, cell)) => (Some(lesson.to_string()), cell.to_string()),
        None => (None, of),
    };
    Some(ViewCell { title, lesson, cell, show, arms, layer, unit, row, column, image, split, caption })
}

#[cfg(test)]
mod tests {
    use super::super::CellBody;
    use super::*;

    fn read(body: &str) -> Result<ViewCell, String> {
        let read = CellBody::read("view", &format!("id = 'v'\ntitle = 'T'\n{body}")).unwrap();
        match read.body {
            Some(CellBody::View(cell)) => Ok(*cell),
            _ => Err(read.faults.into_iter().map(|(message, _)| message).collect::<Vec<_>>().join("; ")),
        }
    }

    #[test]
    fn a_view_is_of_a_cell_of_its_own_lesson_or_of_another() {
        let own = read("of = 'race'\nshow = 'filters'").unwrap();
        assert_eq!((own.show, own.split, own.image), (ViewKind::Filters, ImageSplit::Validation, 0));
        assert_eq!(own.train_key("here"), CellKey { lesson: "here".into(), cell: "race".into() });
        let far = read("of = 'faster/race'\nshow = 'wants'\narms = ['relu-tanh']\nlayer = 'fc1'\nunit = 3").unwrap();
        assert_eq!(far.train_key("here"), CellKey { lesson: "faster".into(), cell: "race".into() });
        assert_eq!((far.layer.unwrap().to_string(), far.unit, far.arms.len()), ("fc1".into(), Some(3), 1));
    }

    #[test]
    fn what_a_view_does_not_have_is_refused() {
        for (body, why) in [
            ("of = 'r'", "missing field `show`"),
            ("show = 'filters'", "missing field `of`"),
            ("of = ''\nshow = 'filters'", "`of` is empty"),
            ("of = 'r'\nshow = 'dreams'", "unknown variant `dreams`"),
            ("of = 'r'\nshow = 'maps'\nlayer = 'conv'", "`conv` is no layer"),
            ("of = 'r'\nshow = 'maps'\nsplit = 'all'", "unknown variant `all`"),
            ("of = 'r'\nshow = 'units'\nimage = 3", "no `image`"),
            ("of = 'r'\nshow = 'ask'\nlayer = 'fc1'", "no `layer`"),
            ("of = 'r'\nshow = 'maps'\nrow = 3", "no `row`"),
            ("of = 'r'\nshow = 'filters'\nsplit = 'test'", "no `split`"),
            ("of = 'r'\nshow = 'mistakes'\nlayer = 'fc1'", "no `layer`"),
            ("of = 'r'\nshow = 'wants'\nunit = 1", "needs the `layer`"),
            ("of = 'r'\nshow = 'maps'\nimage = -1", "invalid value"),
            ("of = 'r'\nshow = 'maps'\narms = ['relu-tanh', 'all-tanh', 'all-relu']", "3 arms"),
            ("of = 'r'\nshow = 'maps'\narms = []", "leave it out"),
            ("of = 'r'\nshow = 'maps'\narms = ['relu-tanh', 'relu-tanh']", "has relu-tanh twice"),
            ("of = 'r'\nshow = 'maps'\nepoch = 3", "unknown field `epoch`"),
        ] {
            let refused = read(body).unwrap_err();
            assert!(refused.contains(why), "{body}: {refused}");
        }
    }
}

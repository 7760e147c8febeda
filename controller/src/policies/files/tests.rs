//! Files as editors, people and orchestrators leave them.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const GOOD: &str =
    "service: shop/web\nreplicas: { min: 1, max: 4 }\nrules:\n  - target: { signal: cpu, per_replica: 0.5 cores }\n";
const BROKEN: &str = "service: shop/web\nreplicas: { min: 9, max: 4 }\nruels: []\n";

fn named(service: &str) -> String {
    GOOD.replace("shop/web", service)
}

/// The services that have a policy, and the files that have an error, after a look.
fn look(files: &mut PolicyFiles, folder: &Path) -> (Look, Vec<String>, Vec<String>) {
    let look = files.look();
    let set = files.set();
    let broken = set.sources.iter().filter(|source| source.error.is_some());
    let short = |origin: &str| origin.replace(&format!("{}/", folder.display()), "");
    (
        look,
        set.catalog.selectors().map(|(selector, _)| selector.to_string()).collect(),
        broken.map(|source| short(&source.origin)).collect(),
    )
}

const CHANGED: Look = Look { changed: true, again: false };
const SAME: Look = Look { changed: false, again: false };
const AGAIN: Look = Look { changed: false, again: true };

#[test]
fn folders_are_read_in_order_of_name_and_roots_in_order_given() -> Result {
    let folder = TempDir::new()?;
    let inner = folder.path().join("policies");
    fs::create_dir(&inner)?;
    fs::create_dir(inner.join("nested.yaml"))?;
    for (name, service) in
        [("b.yaml", "s/b"), ("a.yml", "s/a"), (".hidden.yaml", "s/x"), ("a.yaml~", "s/x"), ("notes.txt", "s/x")]
    {
        fs::write(inner.join(name), named(service))?;
    }
    fs::write(folder.path().join("first"), named("s/first"))?;
    let roots = vec![folder.path().join("first"), inner.clone(), inner.join("b.yaml")];
    let mut files = PolicyFiles::new(roots);
    assert_eq!(
        look(&mut files, folder.path()),
        (CHANGED, vec!["s/first".into(), "s/a".into(), "s/b".into()], Vec::new())
    );
    assert_eq!(files.look(), SAME);
    Ok(())
}

#[test]
fn a_broken_edit_keeps_the_last_good_version_and_tells_every_error() -> Result {
    let folder = TempDir::new()?;
    let path = folder.path().join("web.yaml");
    fs::write(&path, GOOD)?;
    let mut files = PolicyFiles::new(vec![path.clone()]);
    files.look();
    fs::write(&path, BROKEN)?;
    assert_eq!(look(&mut files, folder.path()), (CHANGED, vec!["shop/web".into()], vec!["web.yaml".into()]));
    let set = files.set();
    let error = set.sources[0].error.clone().unwrap_or_default();
    assert!(error.contains("ruels") && error.contains("max"), "{error}");
    assert!(error.contains(&format!("{}:3:1", path.display())), "{error}");
    assert!(set.complete, "what it names is known from its last good version");
    assert_eq!(files.look(), SAME, "told once");
    fs::write(&path, GOOD)?;
    assert_eq!(look(&mut files, folder.path()), (CHANGED, vec!["shop/web".into()], Vec::new()));
    Ok(())
}

#[test]
fn broken_from_the_start_is_told_and_does_not_keep_the_others_out() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("a.yaml"), BROKEN)?;
    fs::write(folder.path().join("b.yaml"), named("shop/b"))?;
    fs::write(folder.path().join("c.yaml"), [0xff, 0xfe])?;
    let mut files = PolicyFiles::new(vec![folder.path().to_owned()]);
    assert_eq!(
        look(&mut files, folder.path()),
        (CHANGED, vec!["shop/b".into()], vec!["a.yaml".into(), "c.yaml".into()])
    );
    assert!(!files.set().complete);
    Ok(())
}

#[test]
fn a_deleted_file_ends_its_policies_at_the_second_look() -> Result {
    let folder = TempDir::new()?;
    let path = folder.path().join("web.yaml");
    fs::write(&path, GOOD)?;
    let mut files = PolicyFiles::new(vec![folder.path().to_owned()]);
    files.look();
    fs::remove_file(&path)?;
    assert_eq!(look(&mut files, folder.path()), (AGAIN, vec!["shop/web".into()], Vec::new()));
    assert_eq!(look(&mut files, folder.path()), (CHANGED, Vec::new(), Vec::new()));
    assert_eq!(files.look(), SAME);
    Ok(())
}

#[test]
fn an_editor_that_puts_a_file_aside_while_saving_ends_nothing() -> Result {
    let folder = TempDir::new()?;
    let path = folder.path().join("web.yaml");
    fs::write(&path, GOOD)?;
    let mut files = PolicyFiles::new(vec![path.clone()]);
    files.look();
    fs::rename(&path, folder.path().join("web.yaml~"))?;
    assert_eq!(look(&mut files, folder.path()).0, AGAIN);
    fs::write(&path, named("shop/next"))?;
    assert_eq!(look(&mut files, folder.path()), (CHANGED, vec!["shop/next".into()], Vec::new()));
    Ok(())
}

#[test]
fn a_root_that_is_not_there_is_an_error_until_it_is() -> Result {
    let folder = TempDir::new()?;
    let path = folder.path().join("web.yaml");
    let mut files = PolicyFiles::new(vec![path.clone(), folder.path().join("more")]);
    assert_eq!(look(&mut files, folder.path()), (CHANGED, Vec::new(), vec!["web.yaml".into(), "more".into()]));
    assert_eq!(files.look(), SAME);
    fs::write(&path, GOOD)?;
    fs::create_dir(folder.path().join("more"))?;
    assert_eq!(look(&mut files, folder.path()), (CHANGED, vec!["shop/web".into()], Vec::new()));
    fs::remove_file(&path)?;
    files.look();
    assert_eq!(look(&mut files, folder.path()), (CHANGED, Vec::new(), vec!["web.yaml".into()]));
    fs::write(&path, GOOD)?;
    assert_eq!(look(&mut files, folder.path()), (CHANGED, vec!["shop/web".into()], Vec::new()));
    Ok(())
}

#[test]
fn a_link_turned_to_another_folder_is_an_edit() -> Result {
    let folder = TempDir::new()?;
    for (name, service) in [("v1", "shop/one"), ("v2", "shop/two")] {
        fs::create_dir(folder.path().join(name))?;
        fs::write(folder.path().join(name).join("web.yaml"), named(service))?;
    }
    symlink("v1", folder.path().join("..data"))?;
    symlink("..data/web.yaml", folder.path().join("web.yaml"))?;
    let mut files = PolicyFiles::new(vec![folder.path().to_owned()]);
    assert_eq!(look(&mut files, folder.path()).1, ["shop/one"]);
    assert!(files.folders().contains(&fs::canonicalize(folder.path().join("v1"))?));
    symlink("v2", folder.path().join("..next"))?;
    fs::rename(folder.path().join("..next"), folder.path().join("..data"))?;
    assert_eq!(look(&mut files, folder.path()), (CHANGED, vec!["shop/two".into()], Vec::new()));
    Ok(())
}

#[test]
fn a_file_that_is_too_long_is_refused() -> Result {
    let folder = TempDir::new()?;
    let path = folder.path().join("web.yaml");
    fs::write(&path, GOOD)?;
    let mut files = PolicyFiles::new(vec![path.clone()]);
    files.look();
    fs::write(&path, "#".repeat(1024 * 1024 + 1))?;
    assert_eq!(look(&mut files, folder.path()), (CHANGED, vec!["shop/web".into()], vec!["web.yaml".into()]));
    assert_eq!(files.look(), SAME);
    Ok(())
}

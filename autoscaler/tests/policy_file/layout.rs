//! The canonical layout.

use std::{error::Error, fs, path::Path};

use autoscaler::policy_file::{fmt, parse};

#[test]
fn a_file_is_laid_out_so() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_file/layout");
    for name in ["comments", "shapes"] {
        let text = fs::read_to_string(folder.join(name).with_extension("yaml"))?;
        let formatted = fmt("web.yaml", &text)?;
        assert_eq!(fmt("web.yaml", &formatted)?, formatted, "{name}: again");
        assert_eq!(parse("web.yaml", &formatted)?.policies, parse("web.yaml", &text)?.policies, "{name}");
        insta::assert_snapshot!(format!("layout-{name}"), formatted);
    }
    Ok(())
}

#[test]
fn every_file_that_is_read_can_be_laid_out() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["tests/policy_file/doubtful", "../policies/examples", "../policies/demo", "../policies/demo-days"] {
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            let text = fs::read_to_string(&path)?;
            let formatted = fmt("web.yaml", &text)?;
            assert_eq!(fmt("web.yaml", &formatted)?, formatted, "{}: again", path.display());
        }
    }
    Ok(())
}

#[test]
fn what_would_get_lost_is_refused() {
    let rest = "service: shop/web\nreplicas: { min: 1, max: 3 }\nrules: [target: { signal: cpu, per_replica: 70% }]\n";
    let unused = format!("guards: &g {{ warm_up: 20s }}\n{rest}---\n# only a comment\n");
    assert!(fmt("web.yaml", &unused).is_ok_and(|text| text.ends_with("# only a comment\n")));
    let turned = format!("guards: {{ up: &calm {{ cooldown: 5m }}, down: *calm }}\n{rest}");
    assert!(fmt("web.yaml", &turned).is_ok());
    let turned = format!("guards: {{ down: &calm {{ cooldown: 5m }}, up: *calm }}\n{rest}");
    let error = fmt("web.yaml", &turned).expect_err("`up` comes first").0;
    assert!(error[0].message.contains("cannot be laid out"), "{error:?}");
    assert_eq!(fmt("web.yaml", &rest.replace("min: 1", "min: x")).expect_err("`min` is wrong").0.len(), 1);
}

//! What cannot be read, by line and with what helps.

use autoscaler::journal::{self, HEADER};
use proptest::prelude::*;

#[test]
fn every_error_has_its_line_and_what_helps() {
    for (name, text, expected) in [
        ("another file", "at,cpu\n", "line 1: this is no journal; begin with the line `# ballast journal 1`"),
        ("nothing", "", "line 1: this is no journal; begin with the line `# ballast journal 1`"),
        (
            "a newer version",
            "# ballast journal 2\n",
            "line 1: the journal's version is 2, this build reads up to 1; use the Ballast that wrote it, or a newer one",
        ),
        (
            "no columns",
            "# ballast journal 1\n\n5,cpu,,1\n",
            "line 3: the columns are not named; begin with the line `at_ms,what,of,value`",
        ),
    ] {
        assert_eq!(journal::read(text).expect_err(name).to_string(), expected, "{name}");
    }
    let rows = "\
noon,cpu,,1
5,cpu,1
6,cpu,,fast
7,cpu,,partial x: 1: why
8,@tolt,,
9,,,1
10,@host,,asleep
11,@rescaled,,-1
12,@replicas,,{
13,\"cpu\"x,,1
9,@look,,1
20,@look,,1
# the line before is fine
19,@look,,2
21,@began,,\"{}\"
22,cpu,,\"1
";
    let errors = journal::read(&format!("{HEADER}{rows}")).expect_err("all of it is wrong");
    insta::assert_snapshot!(errors);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", rows in "([0-9]{0,3},(@[a-z]{0,8}|cpu),[@a\"]{0,2},[\"{}a-z0-9:, \r\n]{0,9}\n){0,9}") {
        drop(journal::read(&text));
        drop(journal::read(&format!("{HEADER}{text}")));
        drop(journal::read(&format!("{HEADER}{rows}")));
    }
}

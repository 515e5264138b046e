//! Tables for spreadsheets: RFC 4180 with a mark at the beginning by which they know UTF-8.
//!
//! A cell that a spreadsheet would take for a formula gets an apostrophe in front: whoever types a
//! name must not compute in the owner's program.

/// What spreadsheets recognise UTF-8 by.
pub const BEGINNING: &str = "\u{feff}";

/// Adds a row.
pub fn write_row<'a>(table: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            table.push(',');
        }
        write_cell(table, cell);
    }
    table.push_str("\r\n");
}

fn write_cell(table: &mut String, cell: &str) {
    let apostrophe = if is_formula(cell) { "'" } else { "" };
    if !cell.contains([',', '"', '\r', '\n']) {
        table.extend([apostrophe, cell]);
        return;
    }
    table.extend(["\"", apostrophe]);
    for (index, part) in cell.split('"').enumerate() {
        if index > 0 {
            table.push_str("\"\"");
        }
        table.push_str(part);
    }
    table.push('"');
}

/// Spreadsheets look past blanks and invisible characters, and some know the wide forms.
fn is_formula(cell: &str) -> bool {
    let begins_with_control = cell.starts_with(char::is_control);
    let visible = |c: char| !c.is_whitespace() && !c.is_control() && !is_invisible(c);
    let first = cell.chars().find(|c| visible(*c));
    begins_with_control || first.is_some_and(|c| "=+-@＝＋－＠".contains(c))
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a program that reads CSV sees.
    fn read(table: &str) -> Vec<Vec<String>> {
        let mut reader =
            ::csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
        let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
        rows.collect()
    }

    fn written(cells: &[&str]) -> String {
        let mut table = String::new();
        write_row(&mut table, cells.iter().copied());
        table
    }

    #[test]
    fn rows_end_with_a_line_break_and_cells_are_quoted_only_when_they_must() {
        assert_eq!(written(&["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(
            written(&["a,b", "say \"hi\"", "two\nlines"]),
            "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n"
        );
    }

    #[test]
    fn what_would_be_computed_is_text() {
        for formula in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            " =1",
            "\u{200b}=1",
            "＝1",
            "=HYPERLINK(\"https://evil.example\",\"x\")",
            "=cmd|'/C calc'!A0",
        ] {
            let cell = &read(&written(&[formula]))[0][0];
            assert_eq!(*cell, format!("'{formula}"));
        }
        for text in ["Ada", "a=b", "1-2", "O'Neill", "<script>alert(1)</script>"] {
            assert_eq!(read(&written(&[text]))[0][0], text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read_and_never_computes(
            rows in prop::collection::vec(prop::collection::vec("[\\PC\r\n\t\"',=+@-]{0,12}", 2..5), 1..6)
        ) {
            let width = rows[0].len();
            let rows: Vec<Vec<String>> = rows.into_iter().filter(|row| row.len() == width).collect();
            let mut table = String::new();
            for row in &rows {
                write_row(&mut table, row.iter().map(String::as_str));
            }
            let back = read(&table);
            prop_assert_eq!(back.len(), rows.len());
            for (cell, ours) in back.iter().flatten().zip(rows.iter().flatten()) {
                let begins = cell.trim_start().chars().next();
                prop_assert!(begins.is_none_or(|c| !"=+-@".contains(c)), "{}", cell);
                prop_assert!(cell == ours || *cell == format!("'{ours}"), "{} {}", cell, ours);
            }
        }
    }
}

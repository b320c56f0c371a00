//! The page: one file that needs nothing else, with no script and nothing that is fetched.
//!
//! It says what was done, answers five questions for each point with the number that the paper
//! publishes and the controls beside it, shows the figures, and tells how each number was made.
//! Tables are bounded; what they leave out is said, and is in the CSV files.

mod decomposition;
mod findings;
mod glossary;
mod methods;
mod opening;
mod questions;
mod runs;
mod simulated;
mod which;

use tailsweep_common::run::NUMERICS;

use crate::calibration;
use crate::exits;
use crate::facts::Facts;
use crate::figures::Figure;
use crate::late::PointRow;
use crate::lookup::Lookup;

const STYLE: &str = include_str!("html/style.css");

/// The bytes of `report.html`.
pub(crate) fn page(facts: &Facts, late: &[PointRow], figures: &[Figure]) -> String {
    let lookup = Lookup::new(facts, late);
    let name = escaped(&facts.text.sweep.name);
    let mut sections = Vec::new();
    let calibration = calibration::html::section(&lookup);
    sections.extend(calibration.map(|body| section("calibration", "Known laws", &body)));
    let exits = exits::html::section(&lookup);
    sections.extend(exits.map(|body| section("exits", "Exit times", &body)));
    if facts.all_points().any(|point| point.measure().is_some()) {
        sections.extend(figures.iter().filter(is_first).map(figure_section));
        sections.push(section(
            "questions",
            "Five questions",
            &questions::section(&lookup),
        ));
        let parts = decomposition::section(&lookup);
        let title = "Where the published number comes from";
        sections.extend(parts.map(|body| section("parts", title, &body)));
        sections.push(section(
            "reading",
            "How to read these numbers",
            &glossary::section(&lookup),
        ));
    }
    let others = figures.iter().filter(|figure| !is_first(figure));
    sections.extend(others.map(figure_section));
    let unfinished = runs::unfinished(&lookup);
    sections.extend(unfinished.map(|body| section("unfinished", "Not over yet", &body)));
    sections.extend(
        runs::exceptions(&lookup)
            .map(|body| section("exceptions", "What did not run to plan", &body)),
    );
    sections.push(section("methods", "Methods", &methods::section(&lookup)));
    sections.push(section("runs", "Runs", &runs::section(&lookup)));
    sections.push(section(
        "sweep-file",
        "Sweep file",
        &format!(
            "<pre tabindex=\"0\"><code>{}</code></pre>",
            escaped(&facts.text.source)
        ),
    ));
    let contents: String = sections
        .iter()
        .map(|section| {
            format!(
                "<li><a href=\"#{}\">{}</a></li>",
                section.id,
                escaped(&section.title)
            )
        })
        .collect();
    let bodies: String = sections
        .iter()
        .map(|section| {
            format!(
                "<section id=\"{}\">\n<h2>{}</h2>\n{}\n</section>\n",
                section.id,
                escaped(&section.title),
                section.body
            )
        })
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name} · tailsweep report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<p class=\"kicker\">tailsweep report</p>\n<h1>{name}</h1>\n{}\n</header>\n\
         <nav aria-label=\"Contents\"><ol>{contents}</ol></nav>\n<main>\n{bodies}</main>\n\
         <footer><p>tailsweep {}, arithmetic version {NUMERICS} · sweep <code>{}</code> · the numbers behind this page: \
         points.csv, runs.csv, measurements.csv, estimates.csv, report.json, figures/*.svg and *.pdf; \
         for a text: points.md, points.tex</p>\
         </footer>\n</body>\n</html>\n",
        opening::section(&lookup),
        env!("CARGO_PKG_VERSION"),
        facts.text.sweep.id,
    )
}

struct Section {
    id: String,
    title: String,
    body: String,
}

fn section(id: &str, title: &str, body: &str) -> Section {
    Section {
        id: id.to_owned(),
        title: title.to_owned(),
        body: body.to_owned(),
    }
}

/// The figure that stands before the tables: the published α and its controls at one look.
fn is_first(figure: &&Figure) -> bool {
    figure.name == "controls"
}

fn figure_section(figure: &Figure) -> Section {
    section(&figure.name, &figure.title, &figure_body(figure))
}

fn figure_body(figure: &Figure) -> String {
    let legend: String = figure.legend_svgs().collect();
    let size = match (figure.is_wide(), figure.is_tall()) {
        (true, _) => "wide",
        (_, true) => "tall",
        _ => "",
    };
    let panels: String = figure
        .panel_svgs()
        .map(|svg| format!("<div class=\"panel\">{svg}</div>\n"))
        .collect();
    format!(
        "<figure>\n<div class=\"card\">\n<div class=\"legend\">{legend}</div>\n\
         <div class=\"panels {size}\">\n{panels}</div>\n</div>\n\
         <figcaption>{} <span class=\"file\">figures/{}.svg, .pdf</span></figcaption>\n</figure>",
        escaped(&figure.caption),
        escaped(&figure.name),
    )
}

/// A table: a head, and rows whose cells know their head, so that a narrow screen can show each
/// row as a card: the label of a cell is its head up to the first tag. All texts are HTML already.
pub(crate) fn table(class: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let heads: String = head
        .iter()
        .map(|text| format!("<th scope=\"col\">{text}</th>"))
        .collect();
    let rows: String = rows
        .iter()
        .map(|row| {
            let cells: String = row
                .iter()
                .zip(head)
                .enumerate()
                .map(|(index, (cell, head))| match index {
                    0 => format!("<th scope=\"row\">{cell}</th>"),
                    _ => {
                        let label = head.split('<').next().unwrap_or_default();
                        format!("<td data-label=\"{label}\">{cell}</td>")
                    }
                })
                .collect();
            format!("<tr>{cells}</tr>\n")
        })
        .collect();
    format!(
        "<div class=\"scroll\"><table class=\"{class}\">\n<thead><tr>{heads}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>"
    )
}

/// A text as HTML, between tags or in an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // Not allowed in HTML, not even escaped.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => html.push('\u{fffd}'),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use crate::late::of_points;
    use crate::{figures, fixture};

    #[test]
    fn a_sweep_of_equations_has_a_page_without_noise() {
        let facts = fixture::equations();
        let late = of_points(&facts);
        let figures = figures::all(&facts, &late);
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(names, ["exit-time-noise", "time-shares", "paths"]);
        let page = super::page(&facts, &late, &figures);
        for text in ["Exit times", "followed paths of", "minima at −1 and 1"] {
            assert!(page.contains(text), "`{text}` in the page");
        }
        for text in ["Five questions", "gradient noise"] {
            assert!(!page.contains(text), "`{text}` in the page");
        }
    }

    #[test]
    fn a_sweep_of_draws_has_closed_forms_beside_what_was_read() {
        let facts = fixture::draws();
        let late = of_points(&facts);
        let figures = figures::all(&facts, &late);
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        assert!(names.contains(&"closed-forms"), "{names:?}");
        let page = super::page(&facts, &late, &figures);
        // ½ + ln(1 + 999·0.05)/(2 ln 1000), and what was read four times.
        for text in ["Known laws", "1.275", "1.250 ±"] {
            assert!(page.contains(text), "`{text}` in the page");
        }
    }

    #[test]
    fn a_sweep_of_one_point_has_a_page() {
        let facts = fixture::facts();
        let late = of_points(&facts);
        let figures = figures::all(&facts, &late);
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(
            names,
            ["training"],
            "nothing varies, and there are no ladders"
        );
        let page = super::page(&facts, &late, &figures);
        for text in [
            "all runs",
            "1 run diverged",
            "1 run ended because the training accuracy was reached",
            "Unfinished: 3 of 4 runs have results",
            "1 run waiting",
            "lighter than stable",
            "[0.34, ∞)",
        ] {
            assert!(page.contains(text), "`{text}` in the page");
        }
    }
}

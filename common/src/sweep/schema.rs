//! The sweep file as a JSON Schema, for editors that complete and explain keys.
//!
//! The schema knows names, kinds and bounds of single values. What must hold between values
//! (equal lengths in `zip`, a batch within the data) is judged by [`super::parse`] alone.

use serde_json::{Map, Value as Json, json};
use tailsweep_stats::Treatment;

use super::key::{Key, Place};
use super::levy_sde::{LevyKey, POTENTIALS};
use super::synthetic::{LAWS, SyntheticKey};
use super::value::{Family, Numbers};
use crate::run::{DatasetName, Loss};

/// A JSON Schema (draft 7, which editors know best) of the sweep file.
pub fn schema() -> Json {
    let mut top = object(Place::Top.keys().into_iter().map(|key| (key, at_top(key))));
    top["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    top["title"] = "tailsweep sweep file".into();
    top["required"] = json!(["version", "name", "block"]);
    top
}

fn object<'k>(properties: impl IntoIterator<Item = (&'k str, Json)>) -> Json {
    let properties: Map<String, Json> = properties
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn with(mut schema: Json, says: &str) -> Json {
    schema["description"] = says.into();
    schema
}

fn whole(least: i64) -> Json {
    json!({ "type": "integer", "minimum": least })
}

fn at_top(key: &str) -> Json {
    let schema = match key {
        "version" => json!({ "const": 1 }),
        "name" => json!({ "type": "string", "minLength": 1, "maxLength": 100 }),
        "seeds" => {
            let list = json!({
                "type": "array", "items": whole(0), "minItems": 1, "uniqueItems": true
            });
            json!({ "anyOf": [whole(1), list] })
        }
        "max_losses" => whole(0),
        "max_attempts" | "max_failures" => whole(1),
        "train" => section(Place::Train),
        "measure" => section(Place::Measure),
        "synthetic" => section(Place::Synthetic),
        "levy_sde" => section(Place::LevySde),
        "stop" => section(Place::Stop),
        "requires" => {
            let label = json!({ "type": "string", "minLength": 1 });
            let list = json!({ "type": "array", "items": label, "minItems": 1 });
            json!({ "anyOf": [label, list] })
        }
        "block" => json!({ "type": "array", "items": block(), "minItems": 1 }),
        _ => json!({ "type": "integer" }),
    };
    let says = match key {
        "version" => "The version of this format",
        "name" => "The name of the sweep, and of its folder",
        "seeds" => "How many seeds each point has (0, 1, …), or which",
        "max_attempts" => "Times that a run is tried when it fails by itself",
        "max_losses" => "Workers that a run may lose without a newer checkpoint",
        "max_failures" => "Failed runs after which the sweep stops",
        "priority" => "Larger goes first among the sweeps of a coordinator",
        "requires" => "Labels that a worker must have to take its runs",
        "train" => "How to train",
        "measure" => "What to measure, and when",
        "synthetic" => "Noise of a known law, in place of a network",
        "levy_sde" => "Paths of an equation driven by stable noise, in place of a network",
        "stop" => "When a point has enough seeds",
        "block" => "A product of axes; the sweep is the union of its blocks",
        _ => "",
    };
    with(schema, says)
}

fn section(place: Place) -> Json {
    let property = |word: &'static str| {
        let schema = match (Key::of_setting(place, word), word) {
            (Some(key), _) => with(value(key), key.says()),
            (None, "protocol") => with(
                json!({ "enum": ["paper", "code"] }),
                "A preset; keys that are written win over it",
            ),
            (None, "time_limit") => with(
                json!({ "type": "string" }),
                "For one attempt at a run, such as \"90s\", \"30m\" or \"1h30m\"",
            ),
            (None, _) => with(
                json!({ "type": "number", "exclusiveMinimum": 0 }),
                "Half-width of the interval of a point's late α at which its seeds end",
            ),
        };
        (word, schema)
    };
    object(place.keys().into_iter().map(property))
}

fn block() -> Json {
    let axes = Key::all().map(|key| (key.name(), with(axis(key), key.says())));
    let rules = Place::Block.keys().into_iter().filter_map(|word| {
        let point = json!({ "type": "object", "minProperties": 1 });
        let list = |item: &Json| json!({ "anyOf": [item, { "type": "array", "items": item }] });
        let (schema, says) = match word {
            "zip" => (
                json!({ "type": "array", "items": {
                    "type": "array", "items": { "type": "string" }, "minItems": 2
                } }),
                "Lists of axes that advance together",
            ),
            "exclude" => (list(&point), "Points that are left out"),
            "when" => {
                let mut rule = object([("if", point.clone()), ("then", point.clone())]);
                rule["required"] = json!(["if", "then"]);
                (
                    list(&rule),
                    "Of the points that match `if`, those that are kept",
                )
            }
            "sample" => {
                let table = object([("count", whole(1)), ("seed", whole(0))]);
                (
                    json!({ "anyOf": [whole(1), table] }),
                    "How many points to take, at random",
                )
            }
            _ => return None,
        };
        Some((word, with(schema, says)))
    });
    let limit = json!({ "type": "string" });
    let alone = json!({ "type": "array", "items": limit, "minItems": 1, "maxItems": 1 });
    let limit = with(
        json!({ "anyOf": [limit, alone] }),
        "The time limit of the sweep, the same in every block",
    );
    object(axes.chain(rules).chain([("train.time_limit", limit)]))
}

/// A single value, a list of values, or a range.
fn axis(key: Key) -> Json {
    let one = value(key);
    let mut forms = vec![
        one.clone(),
        json!({ "type": "array", "items": one, "minItems": 1, "uniqueItems": true }),
    ];
    if key.is_list() {
        // A list is one value there, so several are a list of lists.
        forms[1] = json!({ "type": "array", "items": forms[0], "minItems": 1 });
    }
    if key.numbers().is_some() {
        let ends = json!({
            "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2
        });
        let mut range = object([
            ("range", ends.clone()),
            ("step", json!({ "type": "number" })),
        ]);
        range["required"] = json!(["range"]);
        forms.push(range);
        for form in ["linspace", "geomspace", "logspace"] {
            let (count, round) = (whole(1), json!({ "type": "boolean" }));
            let mut spaced = object([(form, ends.clone()), ("count", count), ("round", round)]);
            spaced["required"] = json!([form, "count"]);
            forms.push(spaced);
        }
    }
    json!({ "anyOf": forms })
}

fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Json {
    json!({ "enum": words.into_iter().collect::<Vec<_>>() })
}

/// A list of words, or one of them.
fn some_words<'w>(of: impl IntoIterator<Item = &'w str>) -> Json {
    let word = words(of);
    let list = json!({ "type": "array", "items": word, "minItems": 1, "uniqueItems": true });
    json!({ "anyOf": [word, list] })
}

/// One value of a key.
fn value(key: Key) -> Json {
    let number = key.numbers().map(|numbers| match numbers {
        Numbers::Whole { least, most } => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Numbers::Real { .. } => json!({ "type": "number" }),
    });
    match key {
        Key::Dataset => dataset(),
        Key::Architecture => words(Family::ALL.map(Family::as_str)),
        Key::Loss => words(Loss::ALL.map(Loss::as_str)),
        Key::Sampling => words(["file_order", "shuffled", "with_replacement"]),
        Key::Schedule => {
            let list = json!({ "type": "array", "items": whole(0) });
            let gamma = json!({ "type": "number", "exclusiveMinimum": 0 });
            let milestones = object([("milestones", list), ("gamma", gamma)]);
            let cosine = object([("cosine", json!({ "const": true }))]);
            json!({ "anyOf": [milestones, cosine, { "const": "constant" }] })
        }
        Key::Init => {
            let mut weights = object([("weights", json!({ "type": "string" }))]);
            weights["required"] = json!(["weights"]);
            json!({ "anyOf": [{ "const": "default" }, weights] })
        }
        Key::Splits => some_words(["train", "test"]),
        Key::Treatments => some_words(Treatment::ALL.map(Treatment::as_str)),
        Key::Iterates => json!({ "type": "boolean" }),
        Key::Dump => json!({ "type": "array", "items": whole(0) }),
        Key::StopAtTrainAccuracy => {
            json!({ "anyOf": [
                { "type": "number", "exclusiveMinimum": 0, "maximum": 1 }, { "const": false }
            ] })
        }
        Key::Minibatches => json!({ "anyOf": [whole(1), { "const": "all" }] }),
        Key::LearningRate | Key::WeightDecay => json!({ "type": "number", "minimum": 0 }),
        Key::Momentum | Key::Dropout => {
            json!({ "type": "number", "minimum": 0, "exclusiveMaximum": 1 })
        }
        Key::Synthetic(SyntheticKey::Law) => words(LAWS),
        Key::Levy(LevyKey::Potential) => words(POTENTIALS),
        Key::Synthetic(SyntheticKey::Centred) | Key::Levy(LevyKey::FirstExit) => {
            json!({ "type": "boolean" })
        }
        Key::Levy(key) if key.is_list() => {
            json!({ "type": "array", "items": { "type": "number" } })
        }
        Key::Width
        | Key::Depth
        | Key::BatchSize
        | Key::Steps
        | Key::Every
        | Key::Synthetic(_)
        | Key::Levy(_) => number.unwrap_or_default(),
    }
}

/// A name, or a table whose further keys depend on the data (docs/data.md).
fn dataset() -> Json {
    let named = DatasetName::ALL.map(DatasetName::as_str);
    let name = words(named.into_iter().chain(["blobs", "gaussian_regression"]));
    let mut table = object([
        ("name", json!({ "type": "string" })),
        ("train_limit", whole(1)),
        ("test_limit", whole(1)),
    ]);
    table["additionalProperties"] = true.into();
    json!({ "anyOf": [name, table] })
}

impl Key {
    /// What it means, in a few words.
    fn says(self) -> &'static str {
        match self {
            Self::Dataset => "What to train on: a name, or a table with limits",
            Self::Architecture => "What to train",
            Self::Width => "Units of a hidden layer, or channels",
            Self::Depth => "Number of linear layers of `fcn`",
            Self::BatchSize => "Examples of a minibatch, in training and in measuring",
            Self::LearningRate => "η",
            Self::Loss => "What is minimised",
            Self::Steps => "Number of updates",
            Self::Sampling => "How minibatches are drawn",
            Self::Momentum => "μ in v ← μv + (g + λw)",
            Self::WeightDecay => "λ in v ← μv + (g + λw)",
            Self::Dropout => "For architectures that have it; 0 switches it off",
            Self::Schedule => "How the learning rate changes",
            Self::StopAtTrainAccuracy => {
                "Ends a run at this training accuracy, looked at at measured steps; false: never"
            }
            Self::Init => "Initial weights: the default, or those of a safetensors file",
            Self::Every => "Steps between two measurements",
            Self::Splits => "Whose minibatches are measured",
            Self::Minibatches => "All, or so many, evenly spaced",
            Self::Treatments => "What is done to the noise before estimating",
            Self::Iterates => "Whether the averaged weights are measured too",
            Self::Dump => "Steps whose gradients the worker writes to files",
            Self::Synthetic(key) => key.says(),
            Self::Levy(key) => key.says(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties<'s>(schema: &'s Json, place: &str) -> Vec<&'s str> {
        let table = match place {
            "" => schema,
            "block" => &schema["properties"]["block"]["items"],
            section => &schema["properties"][section],
        };
        let keys = table["properties"].as_object().expect("properties");
        keys.keys().map(String::as_str).collect()
    }

    #[test]
    fn every_key_of_the_file_is_in_the_schema() {
        let schema = schema();
        for (place, name) in [
            (Place::Top, ""),
            (Place::Train, "train"),
            (Place::Measure, "measure"),
            (Place::Synthetic, "synthetic"),
            (Place::LevySde, "levy_sde"),
            (Place::Stop, "stop"),
        ] {
            let mut keys = place.keys();
            keys.sort_unstable();
            assert_eq!(properties(&schema, name), keys);
        }
        let block = properties(&schema, "block");
        let own = Key::all().map(Key::name);
        assert!(
            own.chain(Place::Block.keys())
                .all(|key| block.contains(&key))
        );
    }

    #[test]
    fn every_key_says_what_it_is() {
        fn check(schema: &Json) {
            for (key, property) in schema["properties"].as_object().into_iter().flatten() {
                let says = property["description"].as_str().unwrap_or_default();
                assert!(!says.is_empty(), "{key}");
            }
        }
        let schema = schema();
        check(&schema);
        for section in ["train", "measure", "synthetic", "levy_sde", "stop"] {
            check(&schema["properties"][section]);
        }
        check(&schema["properties"]["block"]["items"]);
    }
}

//! The losses of SCIENCE.md section 1, each as one operation.
//!
//! Outputs o are [examples, classes], y is an example's class; or [examples, 1], y its value.
//! - `nll`: mean over the minibatch of ln Σ_c exp(o_c) − o_y; ∂o_c = (softmax(o)_c − [c = y])/b.
//! - `hinge`: mean over minibatch and classes of max(0, 1 − t_c·o_c), t_y = 1, else −1;
//!   ∂o_c = −t_c/(b·classes) where 1 − t_c·o_c > 0.
//! - `squared`: mean over the minibatch of ½(o − y)², as in the published code of Gurbuzbalaban,
//!   Simsekli and Zhu 2021, and half of PyTorch's `MSELoss`; ∂o = (o − y)/b.
//!
//! exp and ln come from the libm crate, so they are the same on every system. The loss of each
//! example is f32, their sum f64.

use dfdx::shapes::Rank0;
use dfdx::tensor::{Cpu, CpuError, PutTape, SplitTape, Tape, Tensor};
use tailsweep_common::run::Loss;

use super::{Rows, Workspace};
use crate::data::Label;

/// A mean loss.
pub(crate) type Mean<T, D = Cpu> = Tensor<Rank0, f32, D, T>;

/// What a network made of some examples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Number of examples.
    pub(crate) examples: usize,
    /// Sum of their losses.
    pub(crate) loss_sum: f64,
    /// How many have their largest output, the first of equal ones, at their class.
    pub(crate) correct: usize,
}

impl Outcome {
    /// The mean loss, as trained on: f32.
    pub(crate) fn loss(&self) -> f32 {
        (self.loss_sum / self.examples as f64) as f32
    }
}

/// The mean loss of `outputs` against `labels`, one for each row.
pub(super) fn loss<T: Tape<f32, Cpu>>(
    device: &Workspace,
    loss: Loss,
    outputs: Rows<T>,
    labels: &[Label],
) -> Result<(Mean<T>, Outcome), CpuError> {
    let (outputs, mut tape) = outputs.split_tape();
    let mut numbers = device.copy_of(&outputs)?;
    let outcome = judge(loss, &mut numbers, labels);
    let mean = device.tensor((), &[outcome.loss()])?;
    let (outputs_ghost, mean_ghost) = (outputs.ghost(), mean.ghost());
    tape.add_backward_op(move |gradients| {
        let upstream = gradients.get_or_alloc_mut(&mean_ghost)?[0];
        let slopes = gradients.get_or_alloc_mut(&outputs_ghost)?;
        for (slope, number) in slopes.iter_mut().zip(numbers.iter()) {
            *slope += upstream * number;
        }
        Ok(())
    });
    Ok((mean.put_tape(tape), outcome))
}

/// Turns outputs, one row for each label, into the gradient of their mean loss.
pub(super) fn judge(loss: Loss, numbers: &mut [f32], labels: &[Label]) -> Outcome {
    let examples = labels.len();
    let outputs = numbers.len() / examples;
    let mut outcome = Outcome {
        examples,
        ..Outcome::default()
    };
    for (row, label) in numbers.chunks_exact_mut(outputs).zip(labels) {
        if let Label::Class(class) = *label {
            outcome.correct += usize::from(first_largest(row) == class as usize);
        }
        outcome.loss_sum += f64::from(match (loss, *label) {
            (Loss::Nll, Label::Class(class)) => nll(row, class as usize, examples),
            (Loss::Hinge, Label::Class(class)) => hinge(row, class as usize, examples),
            (Loss::Squared, Label::Value(value)) => squared(row, value, examples),
            _ => unreachable!("a run is refused whose loss does not fit its labels"),
        });
    }
    outcome
}

fn first_largest(row: &[f32]) -> usize {
    let mut largest = 0;
    for (index, output) in row.iter().enumerate() {
        if *output > row[largest] {
            largest = index;
        }
    }
    largest
}

/// Turns a row of outputs into its gradient and returns its loss.
fn nll(row: &mut [f32], label: usize, examples: usize) -> f32 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let own = row[label] - largest;
    let mut sum = 0.0;
    for output in row.iter_mut() {
        *output = libm::expf(*output - largest);
        sum += *output;
    }
    let scale = 1.0 / (sum * examples as f32);
    for (class, output) in row.iter_mut().enumerate() {
        *output *= scale;
        if class == label {
            *output -= 1.0 / examples as f32;
        }
    }
    libm::logf(sum) - own
}

/// Turns a row of outputs into its gradient and returns its loss.
fn hinge(row: &mut [f32], label: usize, examples: usize) -> f32 {
    let classes = row.len() as f32;
    let slope = 1.0 / (examples as f32 * classes);
    let mut sum = 0.0;
    for (class, output) in row.iter_mut().enumerate() {
        let target = if class == label { 1.0 } else { -1.0 };
        let margin = 1.0 - target * *output;
        // Not `max`: a NaN must stay one.
        sum += if margin < 0.0 { 0.0 } else { margin };
        *output = if margin > 0.0 { -target * slope } else { 0.0 };
    }
    sum / classes
}

/// Turns the one output into its gradient and returns its loss.
fn squared(row: &mut [f32], value: f32, examples: usize) -> f32 {
    let mut sum = 0.0;
    for output in row {
        let excess = *output - value;
        sum += 0.5 * excess * excess;
        *output = excess / examples as f32;
    }
    sum
}

#[cfg(test)]
mod tests {
    use dfdx::losses::cross_entropy_with_logits_loss;
    use dfdx::tensor::Trace;
    use dfdx::tensor_ops::Backward;

    use super::*;

    fn of(kind: Loss, outputs: &[f32], labels: &[u32]) -> (Outcome, Vec<f32>) {
        let labels: Vec<Label> = labels.iter().copied().map(Label::Class).collect();
        of_labels(kind, outputs, &labels)
    }

    fn of_labels(kind: Loss, outputs: &[f32], labels: &[Label]) -> (Outcome, Vec<f32>) {
        let device = Workspace::new(Cpu::default());
        let classes = outputs.len() / labels.len();
        let outputs = device.tensor((labels.len(), classes), outputs).unwrap();
        let (mean, outcome) = loss(&device, kind, outputs.leaky_trace(), labels).unwrap();
        let mut slopes = vec![0.0; labels.len() * classes];
        mean.try_backward()
            .unwrap()
            .get(&outputs)
            .copy_into(&mut slopes);
        (outcome, slopes)
    }

    fn assert_near(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
    }

    #[test]
    fn nll_by_hand() {
        // Softmax of (0, ln 2, ln 3) is (1, 2, 3)/6.
        let row = [0.0, 2_f32.ln(), 3_f32.ln()];
        let (outcome, slopes) = of(Loss::Nll, &[row, row].concat(), &[2, 0]);
        assert!((outcome.loss_sum - (2_f64.ln() + 6_f64.ln())).abs() < 1e-6);
        assert_eq!(outcome.correct, 1);
        assert_near(&[outcome.loss()], &[12_f32.ln() / 2.0]);
        assert_near(
            &slopes,
            &[
                1.0 / 12.0,
                2.0 / 12.0,
                -3.0 / 12.0,
                -5.0 / 12.0,
                2.0 / 12.0,
                3.0 / 12.0,
            ],
        );
    }

    #[test]
    fn hinge_by_hand() {
        // Margins 1 − t·o: (1 + 0.5, 1 − 2, 1 − 3) and (1 − 0.25, 1 + 1, 1 + 0).
        let outputs = [0.5, 2.0, -3.0, 0.25, 1.0, 0.0];
        let (outcome, slopes) = of(Loss::Hinge, &outputs, &[1, 0]);
        assert_near(
            &[outcome.loss_sum as f32],
            &[(1.5 + 0.75 + 2.0 + 1.0) / 3.0],
        );
        assert_eq!(outcome.correct, 1);
        let slope = 1.0 / 6.0;
        assert_near(&slopes, &[slope, 0.0, 0.0, -slope, slope, slope]);
    }

    #[test]
    fn squared_by_hand() {
        let labels = [2.0, -1.0].map(Label::Value);
        let (outcome, slopes) = of_labels(Loss::Squared, &[0.5, 3.0], &labels);
        assert_near(&[outcome.loss_sum as f32], &[1.125 + 8.0]);
        assert_near(&slopes, &[-0.75, 2.0]);
        let (outcome, _) = of_labels(Loss::Squared, &[f32::NAN], &labels[..1]);
        assert!(!outcome.loss().is_finite());
    }

    #[test]
    fn nll_agrees_with_dfdx() {
        let labels: Vec<u32> = (0..40).map(|example| example * 7 % 10).collect();
        let outputs: Vec<f32> = (0..400)
            .map(|i| ((i * 7919) % 211) as f32 / 20.0 - 5.0)
            .collect();
        let (outcome, slopes) = of(Loss::Nll, &outputs, &labels);
        let device = Workspace::new(Cpu::default());
        let mut targets = vec![0.0; 400];
        for (example, label) in labels.iter().enumerate() {
            targets[10 * example + *label as usize] = 1.0;
        }
        let targets = device.tensor((40_usize, 10_usize), &targets).unwrap();
        let outputs = device.tensor((40_usize, 10_usize), &outputs).unwrap();
        let mean = cross_entropy_with_logits_loss(outputs.leaky_trace(), targets);
        let mut value = [0.0];
        mean.copy_into(&mut value);
        assert!((value[0] - outcome.loss()).abs() < 1e-5 * value[0]);
        let mut expected = vec![0.0; 400];
        mean.try_backward()
            .unwrap()
            .get(&outputs)
            .copy_into(&mut expected);
        assert_near(&slopes, &expected);
    }

    #[test]
    fn huge_outputs_have_a_finite_loss_and_broken_ones_do_not() {
        let (outcome, slopes) = of(Loss::Nll, &[1e30, -1e30, 88.0, 1e4], &[1, 0]);
        assert!(outcome.loss_sum.is_finite() && slopes.iter().all(|slope| slope.is_finite()));
        for broken in [f32::NAN, f32::INFINITY] {
            for kind in [Loss::Nll, Loss::Hinge] {
                for label in [0, 1] {
                    let (outcome, _) = of(kind, &[1.0, broken], &[label]);
                    let harmless = kind == Loss::Hinge && broken == f32::INFINITY && label == 1;
                    assert_eq!(
                        outcome.loss().is_finite(),
                        harmless,
                        "{kind:?} {broken} {label}"
                    );
                }
            }
        }
    }

    #[test]
    fn of_equal_outputs_the_first_is_the_answer() {
        assert_eq!(of(Loss::Nll, &[1.0, 1.0, 0.0, 0.0], &[0, 1]).0.correct, 1);
    }
}

//! What each number says, and what it does not say.

use std::fmt::Write as _;

use crate::lookup::Lookup;

/// A question, the estimator and treatment that answer it, what the answer says, and what not.
const READING: [[&str; 4]; 7] = [
    [
        "1 · What does the paper’s method read?",
        "mohammadi / published",
        "The stable index that fits how sums of K₁ neighbouring noise values grow, all \
         parameters and minibatches laid out in one line, as in the published code.",
        "Whether the noise has heavy tails. On purely Gaussian noise the same number falls below \
         2 when parameters have unequal scales, when neighbours are correlated, or when some \
         values are exactly zero.",
    ],
    [
        "2 · Would Gaussian noise read the same?",
        "mohammadi / gaussian_surrogate",
        "What the method is expected to read on Gaussian noise with the measured covariance and \
         the measured zeros. Compare it with “rows restarted”, which cuts the blocks in the same \
         way.",
        "That the noise is Gaussian where the two agree: sums of stable noise can agree as well. \
         Agreement shows that the published number does not decide.",
    ],
    [
        "2b · How much of it is exact zeros?",
        "mohammadi / zeros_dropped",
        "The published number without the exact zeros that dead units leave, and without the \
         2⁻⁵² that stands in for them.",
        "Anything about the other two causes: unequal scales and correlation remain.",
    ],
    [
        "3 · How heavy are the tails across parameters?",
        "local_slope / permuted",
        "The α that each doubling of the number of summed parameters reads, in one fixed random \
         order with random signs, so that constant offsets cancel. Stable noise stays flat; \
         everything else climbs to 2, slowly if scales are spread log-normally.",
        "How one parameter’s noise varies from minibatch to minibatch. Gaussian noise whose \
         scale differs between parameters starts below 2 too.",
    ],
    [
        "4 · How heavy are the tails across minibatches?",
        "within_coordinate / paired",
        "How much the size of one parameter’s noise varies between minibatches, as the index of \
         the stable law that would vary as much; 2 is as much as Gaussian noise does.",
        "That the variance is infinite: any law with heavier tails than the Gaussian reads below \
         2 here. Question 5 looks at that difference.",
    ],
    [
        "4b · Do minibatches look Gaussian at all?",
        "shapiro_wilk, anderson_darling",
        "On how many of 16 random directions the projected noise of the minibatches passes for \
         Gaussian at the 5 % level: 95 % would for Gaussian noise. Shapiro and Wilk’s share is \
         shown; both are in measurements.csv.",
        "That the noise of single parameters is Gaussian where all pass: a projection is a sum \
         over all of them. With few minibatches a test rejects little; with many it rejects what \
         hardly matters.",
    ],
    [
        "5 · Do those tails survive summation?",
        "local_slope / paired",
        "The same, for sums over more and more minibatches. Flat below 2 is what stable noise \
         does; climbing to 2 means heavy tails of finite variance that fade when minibatches are \
         pooled.",
        "Anything about batches larger than the largest pool that was measured.",
    ],
];

pub(super) fn section(lookup: &Lookup<'_>) -> String {
    let mut html = String::from("<dl class=\"reading\">\n");
    for [question, name, says, says_not] in READING {
        writeln!(
            html,
            "<div><dt>{question}<span class=\"name\">{name}</span></dt>\
             <dd><b>Says:</b> {says}</dd><dd><b>Does not say:</b> {says_not}</dd></div>"
        )
        .expect("writing to a string cannot fail");
    }
    html.push_str("</dl>\n");
    html.push_str(
        "<h3>Intervals</h3>\n<p>Intervals of the centred estimates (published, rows restarted, \
         zeros dropped, permuted) are honest for noise near the Gaussian, where 94–97 % of them \
         cover, and too short when the noise is truly heavy (in simulations 85 % covered at \
         α = 1.5 and 42–60 % at α = 1.2), because the mean that is subtracted carries a part of each outlier into every row. The paired ones \
         cover 93–97 %, but less (74 % was seen for within_coordinate at α = 1.2) where one \
         heavy factor moves all parameters at once. With several seeds an interval is made from \
         the larger of the spread between the seeds and the error within them; with two or three seeds that \
         is a rough guide. A surrogate is an expectation and has no error of its own, only the \
         spread between seeds.</p>",
    );
    if let Some(stop) = lookup.facts.text.sweep.stop {
        write!(
            html,
            "\n<p>This sweep ended the seeds of a point as soon as the half-width of its interval \
             was at most {}. Looking at an interval until it is short makes it cover less often \
             than 95 %.</p>",
            stop.alpha_ci
        )
        .expect("writing to a string cannot fail");
    }
    html
}

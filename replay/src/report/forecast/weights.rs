//! Weights over time, of the few members that matter.

use autoscaler::time::Timestamp;

use super::{Prospect, words_of};

/// The members that counted most, and all others together, each from moment to moment.
pub(super) fn heaviest(prospect: &Prospect, most: usize) -> (Vec<(String, Vec<f64>)>, Vec<Timestamp>) {
    let rows = &prospect.weights_over_time;
    let at = |row: &[f64], place: usize| row.get(place).copied().unwrap_or(0.0);
    let sum = |place: usize| rows.iter().map(|row| at(&row.weights, place)).sum::<f64>();
    let mut places: Vec<(usize, f64)> =
        (0..prospect.members.len()).map(|place| (place, sum(place))).filter(|(_, sum)| *sum > 0.0).collect();
    places.sort_by(|one, other| other.1.total_cmp(&one.1));
    let (shown, others) = places.split_at(most.min(places.len()));
    let mut lanes: Vec<(String, Vec<f64>)> = shown
        .iter()
        .map(|(place, _)| {
            let weights = rows.iter().map(|row| at(&row.weights, *place)).collect();
            (words_of(prospect.members[*place]).to_owned(), weights)
        })
        .collect();
    if !others.is_empty() {
        let rest = rows.iter().map(|row| others.iter().map(|(place, _)| at(&row.weights, *place)).sum());
        lanes.push(("others".to_owned(), rest.collect()));
    }
    (lanes, rows.iter().map(|row| row.at).collect())
}

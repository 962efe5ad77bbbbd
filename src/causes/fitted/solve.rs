//! Least squares over whole numbers: which unit prices make the quantities of some days cost their amounts?
//!
//! The result only proposes prices. Whoever uses it rounds them to written decimals and re-prices every day exactly.

/// Quantities and right-hand sides are brought to about nine and twelve digits, so that every product fits 128 bits.
const COLUMN_DIGITS: i128 = 1_000_000_000;
const RESIDUAL_DIGITS: i128 = 1_000_000_000_000;
const SCALE: i128 = 1_000_000_000_000_000;

/// One unknown for each column (its quantities by day), so that the columns together come nearest to `residuals`
/// (10^-12 currency units by day). Returns 10^-12 currency units per million of quantity; `None` where the columns
/// cannot be told apart.
pub fn least_squares(columns: &[Vec<i128>], residuals: &[i128]) -> Option<Vec<i128>> {
    let largest = |values: &[i128]| values.iter().map(|value| value.abs()).max().filter(|most| *most > 0);
    let widths: Vec<i128> = columns.iter().map(|column| largest(column)).collect::<Option<_>>()?;
    let divisor = (largest(residuals)? / RESIDUAL_DIGITS).max(1);
    let scaled: Vec<Vec<i128>> = columns
        .iter()
        .zip(&widths)
        .map(|(column, width)| column.iter().map(|value| value * COLUMN_DIGITS / width).collect())
        .collect();
    let right: Vec<i128> = residuals.iter().map(|value| value / divisor).collect();
    let dot = |a: &[i128], b: &[i128]| a.iter().zip(b).map(|(a, b)| a * b).sum::<i128>();
    let size = columns.len();
    let mut matrix: Vec<Vec<i128>> =
        scaled.iter().map(|row| scaled.iter().map(|column| dot(row, column)).collect()).collect();
    let mut sums: Vec<i128> = scaled.iter().map(|row| dot(row, &right)).collect();
    for pivot in 0..size {
        // Columns that move together cannot be told apart.
        if matrix[pivot][pivot] < SCALE {
            return None;
        }
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let (top, right_top) = (&above[pivot], sums[pivot]);
        for (row, right) in below.iter_mut().zip(&mut sums[pivot + 1..]) {
            let factor = row[pivot].checked_mul(SCALE)? / top[pivot];
            for (value, pivot_value) in row.iter_mut().zip(top) {
                *value = value.checked_sub(factor.checked_mul(*pivot_value)? / SCALE)?;
            }
            *right = right.checked_sub(factor.checked_mul(right_top)? / SCALE)?;
        }
    }
    let mut found = vec![0i128; size];
    for row in (0..size).rev() {
        let mut rest = sums[row].checked_mul(SCALE)?;
        for (value, known) in matrix[row].iter().zip(&found).skip(row + 1) {
            rest = rest.checked_sub(value.checked_mul(*known)?)?;
        }
        found[row] = rest / matrix[row][row];
    }
    // Back to 10^-12 per million: x · divisor · COLUMN_DIGITS / width, over SCALE.
    found
        .into_iter()
        .zip(&widths)
        .map(|(value, width)| {
            let per_width = value.checked_mul(divisor)? / (SCALE / COLUMN_DIGITS / 1000);
            per_width.checked_mul(1000).map(|value| value / width)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_prices_come_out_of_the_days_they_made() {
        let input = vec![1_000_000i128, 250_000, 800_000, 40_000];
        let output = vec![10_000i128, 90_000, 30_000, 77_000];
        // 0.25 and 3 per million more than the book says.
        let residuals: Vec<i128> =
            input.iter().zip(&output).map(|(a, b)| a * 250_000 + b * 3_000_000).collect();
        let found = least_squares(&[input, output], &residuals).unwrap();
        let near = |value: i128, wanted: i128| (value - wanted).abs() < 10_000_000;
        assert!(near(found[0], 250_000_000_000), "{found:?}");
        assert!(near(found[1], 3_000_000_000_000), "{found:?}");
    }

    #[test]
    fn columns_that_move_together_have_no_answer() {
        let one = vec![10i128, 20, 30];
        let two = vec![20i128, 40, 60];
        assert_eq!(least_squares(&[one, two], &[1, 2, 3]), None);
    }
}

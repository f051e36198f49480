package bench

import (
	"math"
	"slices"
)

// median gives the middle of the values, and half the distance between their
// quartiles as a part of it.
func median(values []float64) (middle, noise float64) {
	if len(values) == 0 {
		return math.NaN(), 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle = quantile(sorted, 0.5)
	if middle != 0 {
		noise = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2 / math.Abs(middle)
	}
	return middle, noise
}

// quantile interpolates between the neighbours, as R's type 7 does.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// exponent fits cost = c * size^e by least squares over the logarithms, and
// gives e. n log n has 1.15 between 100 and 10,000.
func exponent(sizes, costs []float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for i := range sizes {
		x, y := math.Log(sizes[i]), math.Log(costs[i])
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

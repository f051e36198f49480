//go:build race

package employeesync_test

// The simulator compares each id with each user, which takes a minute for 5,000
// with the race detector: .ci/run runs the test without it as well.
const employees, employeeReads = 1000, 3

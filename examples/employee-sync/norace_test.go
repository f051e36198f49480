//go:build !race

package employeesync_test

// employees are in the snapshot, and are found in so many requests: as many ids
// in each as a URL takes.
const employees, employeeReads = 5000, 8

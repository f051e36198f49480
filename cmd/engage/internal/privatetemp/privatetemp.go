// Package privatetemp keeps go-graphviz from trusting a folder that anybody on
// the machine may have filled.
//
// go-graphviz compiles its WebAssembly when the program starts and caches the
// machine code in a folder of a fixed name below os.TempDir. On a machine with
// several users somebody else could have made that folder, and the program
// would run what they put there. Go initialises packages in the order of their
// import paths where dependencies leave a choice, and this one depends on
// nothing: so it points TMPDIR to the user's own cache folder first, and
// [Restore] takes that back before anything else looks at it.
package privatetemp

import (
	"os"
	"path/filepath"
)

const variable = "TMPDIR"

var before, was = os.LookupEnv(variable)

func init() { os.Setenv(variable, folder()) }

// folder is private to the user; where there can be none it is a path that
// does not exist, and nothing is cached.
func folder() string {
	base, err := os.UserCacheDir()
	if err != nil {
		return os.DevNull
	}
	dir := filepath.Join(base, "engage")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return os.DevNull
	}
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return os.DevNull
	}
	return dir
}

// Restore gives TMPDIR back. It is called once the program's packages are
// initialised.
func Restore() {
	if was {
		os.Setenv(variable, before)
		return
	}
	os.Unsetenv(variable)
}

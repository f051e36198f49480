// Command engage is the configurator's tool for Engage playbooks.
package main

func main() {}

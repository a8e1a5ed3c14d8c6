//go:build ignore

// Prints tables.rs from Go's own tables: `go run tables.go > tables.rs`, to be run again when Go takes up another edition of
// Unicode, and the tests of unicode.rs with it.
package main

import (
	"fmt"
	"strings"
	"unicode"
)

const head = `//! Where Unicode categories begin and end, in Unicode %s, printed by tables.go.
//!
//! Each table lists, in turn, the first character of a run that belongs to the category and the first one behind
//! it. They are not those of the standard library, which is of another edition.
`

func main() {
	fmt.Printf(head, unicode.Version)
	table("Letters: categories Lu, Ll, Lt, Lm and Lo.", "LETTERS", unicode.IsLetter)
	table("Decimal digits: category Nd.", "DIGITS", unicode.IsDigit)
	table("What prints: letters, marks, numbers, punctuation, symbols and the ASCII space.", "PRINTABLE", unicode.IsPrint)
}

func table(doc, name string, is func(rune) bool) {
	fmt.Printf("\n/// %s\n#[rustfmt::skip]\npub(super) const %s: &[u32] = &[", doc, name)
	var line strings.Builder
	was := false
	for r := rune(0); r <= unicode.MaxRune+1; r++ {
		if is(r) == was {
			continue
		}
		was = !was
		bound := fmt.Sprintf(" 0x%X,", r)
		if line.Len()+len(bound) > 100 {
			fmt.Printf("\n   %s", line.String())
			line.Reset()
		}
		line.WriteString(bound)
	}
	fmt.Printf("\n   %s\n];\n", line.String())
}

// Runs templates through the real engine: Go's text/template with the Sprig functions that the existing controller offers.
//
// With an argument it renders that template and prints the result. Without, it reads one JSON request a line and writes one JSON
// answer a line: what the template renders, or the phase and the text of its error. A request may ask for several runs, to find
// out whether they agree, or for the time that parsing and rendering take.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"text/template"
	"time"
	_ "time/tzdata"

	"github.com/Masterminds/sprig/v3"
)

type request struct {
	Name     string            `json:"name"`
	Template string            `json:"template"`
	Data     json.RawMessage   `json:"data"`
	DataB64  map[string][]byte `json:"data_b64"`
	// "generic" if the data is any JSON; otherwise it is a map of strings.
	Mode string `json:"mode"`
	// How often to run it.
	Runs int `json:"runs"`
	// How often to run it for the time.
	Measure int `json:"measure"`
}

type answer struct {
	Ok      []byte `json:"ok_b64"`
	Phase   string `json:"phase,omitempty"`
	Message string `json:"message,omitempty"`
	// The runs did not agree.
	Unstable bool `json:"unstable,omitempty"`
	// Nanoseconds for all measured runs.
	Nanoseconds int64 `json:"nanoseconds,omitempty"`
}

func (r request) root() (any, error) {
	if r.Mode == "generic" {
		return decode(r.Data)
	}
	data := map[string]string{}
	if len(r.Data) > 0 {
		if err := json.Unmarshal(r.Data, &data); err != nil {
			return nil, err
		}
	}
	for key, value := range r.DataB64 {
		data[key] = string(value)
	}
	return data, nil
}

func main() {
	// As in the image that the existing controller runs in, which has no local time of its own.
	os.Setenv("TZ", "UTC")
	functions := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	// A template that nests without end would otherwise take a gigabyte before it ends the process.
	debug.SetMaxStack(256 << 20)
	if len(os.Args) > 1 {
		a := render(functions, request{Name: "t", Template: os.Args[1]})
		if a.Phase == "" {
			fmt.Printf("ok: %q\n", a.Ok)
		} else {
			fmt.Printf("%s: %s\n", a.Phase, a.Message)
		}
		return
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var r request
			if err := json.Unmarshal(line, &r); err != nil {
				fmt.Fprintln(os.Stderr, "not a request:", err)
				os.Exit(2)
			}
			if r.Name == "" {
				r.Name = "t"
			}
			a := render(functions, r)
			for range r.Runs - 1 {
				again := render(functions, r)
				if !bytes.Equal(a.Ok, again.Ok) || a.Phase != again.Phase || a.Message != again.Message {
					a.Unstable = true
				}
			}
			if r.Measure > 0 && a.Phase == "" {
				a.Nanoseconds = measure(functions, r)
			}
			if err := encoder.Encode(a); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			out.Flush()
		}
		if err != nil {
			return
		}
	}
}

func render(functions template.FuncMap, r request) (a answer) {
	// A method called on a nil receiver panics outside of what text/template catches.
	defer func() {
		if p := recover(); p != nil {
			a = answer{Phase: "panic", Message: fmt.Sprint(p)}
		}
	}()
	parsed, err := template.New(r.Name).Funcs(functions).Parse(r.Template)
	if err != nil {
		return answer{Phase: "parse", Message: err.Error()}
	}
	root, err := r.root()
	if err != nil {
		return answer{Phase: "request", Message: err.Error()}
	}
	var out limited
	if err := parsed.Execute(&out, root); err != nil {
		return answer{Phase: "exec", Message: err.Error()}
	}
	if out.Bytes() == nil {
		return answer{Ok: []byte{}}
	}
	return answer{Ok: out.Bytes()}
}

// measure runs a template that renders, and returns the nanoseconds of parsing and rendering alone: the functions are made known
// once, as a program would that cares.
func measure(functions template.FuncMap, r request) int64 {
	known := template.New("").Funcs(functions)
	root, err := r.root()
	if err != nil {
		panic(err)
	}
	start := time.Now()
	for range r.Measure {
		parsed, err := known.New(r.Name).Parse(r.Template)
		if err != nil {
			panic(err)
		}
		var out limited
		if err := parsed.Execute(&out, root); err != nil {
			panic(err)
		}
	}
	return time.Since(start).Nanoseconds()
}

// limited is an output that refuses to grow without end.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > 16<<20 {
		return 0, errors.New("too much output")
	}
	return l.Buffer.Write(p)
}

// decode reads JSON in which integers are int and all other numbers float64.
func decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return numbers(value)
}

func numbers(value any) (any, error) {
	switch value := value.(type) {
	case json.Number:
		if strings.ContainsAny(value.String(), ".eE") {
			return value.Float64()
		}
		number, err := value.Int64()
		return int(number), err
	case []any:
		for i := range value {
			item, err := numbers(value[i])
			if err != nil {
				return nil, err
			}
			value[i] = item
		}
	case map[string]any:
		for key := range value {
			item, err := numbers(value[key])
			if err != nil {
				return nil, err
			}
			value[key] = item
		}
	}
	return value, nil
}

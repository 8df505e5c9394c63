// Writes what cel-go says of many expressions, for operator/plan/expression: the case file there is
// this program's output. See README.md.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// The variables of every case, with their types and values.
var variables = []cel.EnvOption{
	cel.Variable("i", cel.IntType),
	cel.Variable("d", cel.DoubleType),
	cel.Variable("s", cel.StringType),
	cel.Variable("b", cel.BoolType),
	cel.Variable("l", cel.ListType(cel.IntType)),
	cel.Variable("m", cel.MapType(cel.StringType, cel.DynType)),
	cel.Variable("x", cel.DynType),
}
var values = map[string]any{
	"i": int64(3), "d": 2.5, "s": "text", "b": true, "l": []int64{1, 2, 3},
	"m": map[string]any{"one": int64(1), "half": 0.5, "name": "a", "none": nil, "list": []any{int64(1), "b"}},
	"x": int64(7),
}

// As JSON writes it.
func quoted(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// A value in the words of the case file.
func written(v ref.Val) string {
	switch t := v.(type) {
	case types.Null:
		return "null"
	case types.Bool:
		return strconv.FormatBool(bool(t))
	case types.Int:
		return strconv.FormatInt(int64(t), 10)
	case types.Uint:
		return strconv.FormatUint(uint64(t), 10) + "u"
	case types.Double:
		text := fmt.Sprintf("%g", float64(t))
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0"
		}
		return text
	case types.String:
		return quoted(string(t))
	case traits.Lister:
		var items []string
		for it := t.Iterator(); it.HasNext() == types.True; {
			items = append(items, written(it.Next()))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case traits.Mapper:
		var items []string
		for it := t.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			items = append(items, written(key)+": "+written(t.Get(key)))
		}
		sort.Strings(items)
		return "{" + strings.Join(items, ", ") + "}"
	}
	panic(fmt.Sprintf("no words for %T", v))
}

// "checked" or "refused" by the checker, and the value without it, or "error", or "syntax" for both.
func answer(env *cel.Env, text string) (string, string) {
	ast, issues := env.Parse(text)
	if issues.Err() != nil {
		return "syntax", "syntax"
	}
	verdict := "checked"
	if _, issues := env.Check(ast); issues.Err() != nil {
		verdict = "refused"
	}
	program, err := env.Program(ast)
	if err != nil {
		return verdict, "error"
	}
	out, _, err := program.Eval(values)
	if err != nil {
		return verdict, "error"
	}
	return verdict, written(out)
}

func main() {
	env, err := cel.NewEnv(append(variables, cel.CrossTypeNumericComparisons(true))...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintln(out, "# What cel-go 0.26.0 says (tests/expression): verdict of the checker, value, expression.")
	seen := map[string]bool{}
	for _, text := range expressions() {
		if seen[text] {
			continue
		}
		seen[text] = true
		verdict, value := answer(env, text)
		fmt.Fprintf(out, "%s\t%s\t%s\n", verdict, value, text)
	}
}

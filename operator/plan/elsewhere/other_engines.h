// How other engines write what is $(...) here: Argo's and Airflow's {{...}}, Kubeflow's {{$...}},
// Tekton's $(params.x). Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/protocol/reference.h"

namespace penstock::plan {

// What a text that holds a {{...}} of another engine is to be told: it stays as it is, since
// nothing is put in for it here. Nothing where the braces hold none of those engines' words: they
// are the program's own (Go templates, Jinja).
[[nodiscard]] std::optional<std::string> BracesOfOthers(const std::string& text);

// "$(parameters.x)" for Tekton's $(params.x), and so on; "" where it is not known what is meant.
[[nodiscard]] std::string WordOfTekton(const Reference& r);

}  // namespace penstock::plan

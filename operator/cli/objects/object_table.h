// Penstock's objects as tables and in kubectl's output forms. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/cli/objects/table.h"
#include "operator/kube/client.h"
#include "operator/views/run/run_words.h"

namespace penstock::cli {

enum class OutputFormat : std::uint8_t { kTable, kWide, kJson, kYaml, kName };
// "", "wide", "json", "yaml", "name"; Invalid lists them.
[[nodiscard]] Result<OutputFormat> ParseOutputFormat(const std::string& text);

// The kinds a word means: pipelines (ppl), runs (pplr), components (pcmp), models (pmd), approvals
// (pappr); all: these but the last.
// Invalid lists the words.
[[nodiscard]] Result<std::vector<kube::ResourceType>> KindsOf(const std::string& word);

struct TableOptions {
  bool wide = false;
  bool namespaces = false;  // a first column NAMESPACE
};
// One table for objects of one kind.
[[nodiscard]] Table TableOf(const kube::ResourceType& type, const std::vector<Json>& objects,
                            const TableOptions& options, TimePoint now);

// One object, or a v1 List of them. `single`: the user named one object.
[[nodiscard]] std::string ToJsonText(const std::vector<Json>& objects, bool single);
[[nodiscard]] std::string ToYamlText(const std::vector<Json>& objects, bool single);
// "pipeline.penstock.dev/flights" lines.
[[nodiscard]] std::string ToNames(const kube::ResourceType& type, const std::vector<Json>& objects);

// The steps of a run: STEP PHASE CACHED DURATION OUTPUTS, wide with ATTEMPTS and MESSAGE. The last
// column is cut so that a line fits `width`.
[[nodiscard]] Table StepTable(const Json& run, bool wide, std::size_t width, TimePoint now);

using views::ConditionMessage;
using views::ConditionReason;
using views::ConditionStatus;
using views::ParentRun;
using views::RunWord;

}  // namespace penstock::cli

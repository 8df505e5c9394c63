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

// The run whose step this one is; "": none.
[[nodiscard]] std::string ParentRun(const Json& run);

// A run's word: Running, Succeeded, Failed, Cancelled, Invalid, Suspended, Pending.
[[nodiscard]] std::string RunWord(const Json& run);
// Message of a condition, or "".
[[nodiscard]] std::string ConditionMessage(const Json& object, const std::string& type);
[[nodiscard]] std::string ConditionReason(const Json& object, const std::string& type);
[[nodiscard]] std::string ConditionStatus(const Json& object, const std::string& type);

}  // namespace penstock::cli

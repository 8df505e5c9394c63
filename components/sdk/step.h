// The step: what one component was asked to do, and where its answers go.
//
// Comes from the launcher's environment (PENSTOCK_PARAMETERS, PENSTOCK_INPUTS, PENSTOCK_OUTPUTS:
// paths of JSON files; PENSTOCK_RESULTS: a folder; PENSTOCK_NOT_REUSABLE: a file to write) or, for
// work by hand, from the command line. A component reads everything through it and so runs under
// both. Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::sdk {

struct StepInput {
  std::string path;  // a local file or folder, or empty
  std::string uri;   // of an outside source, or empty
  std::string type;
};

class Step {
 public:
  Step(Json parameters, std::map<std::string, StepInput> inputs,
       std::map<std::string, std::string> outputs, std::string results_folder);

  // Reads the five variables; one that is missing counts as empty. Invalid names the variable.
  [[nodiscard]] static Result<Step> FromEnvironment();
  // `--input name=path|uri`, `--output name=path`, `--parameter name=json-or-text`,
  // `--results folder`, on top of the environment.
  [[nodiscard]] Result<void> AddArguments(const std::vector<std::string>& arguments);

  [[nodiscard]] const Json& parameters() const { return parameters_; }
  [[nodiscard]] const std::map<std::string, StepInput>& inputs() const { return inputs_; }

  // Invalid when the step was given no such input or output.
  [[nodiscard]] Result<std::string> InputPath(const std::string& name) const;
  [[nodiscard]] bool HasInput(const std::string& name) const { return inputs_.contains(name); }
  [[nodiscard]] Result<std::string> OutputPath(const std::string& name) const;
  [[nodiscard]] bool HasOutput(const std::string& name) const { return outputs_.contains(name); }

  // A string is written raw, everything else as JSON. Without a results folder it is only printed.
  [[nodiscard]] Result<void> WriteResult(const std::string& name, const Json& value) const;

  // No other run takes this attempt's outputs from the cache: they depend on something that its key
  // does not hold, such as the time. The reason is what people read then, one sentence of at most
  // 512 bytes (a longer one is cut); of several the last counts. Without a launcher it is only
  // printed. Invalid for an empty reason.
  [[nodiscard]] Result<void> DoNotCache(const std::string& reason) const;

 private:
  Json parameters_;
  std::map<std::string, StepInput> inputs_;
  std::map<std::string, std::string> outputs_;
  std::string results_folder_;
  std::string not_reusable_file_;
};

// Reads parameters with their types and bounds; keeps the first problem, so that a component reads
// all it takes and asks once. A null counts as not given.
class Parameters {
 public:
  explicit Parameters(const Json& values) : values_(values) {}

  [[nodiscard]] std::string String(const std::string& name, const std::string& fallback);
  [[nodiscard]] std::string RequiredString(const std::string& name);
  [[nodiscard]] std::string OneOf(const std::string& name, const std::string& fallback,
                                  const std::vector<std::string>& allowed);
  [[nodiscard]] bool Boolean(const std::string& name, bool fallback);
  [[nodiscard]] std::optional<bool> OptionalBoolean(const std::string& name);
  [[nodiscard]] std::int64_t Integer(const std::string& name, std::int64_t fallback,
                                     std::int64_t minimum, std::int64_t maximum);
  [[nodiscard]] double Number(const std::string& name, double fallback, double minimum,
                              double maximum);
  [[nodiscard]] std::optional<double> OptionalNumber(const std::string& name);
  [[nodiscard]] std::vector<std::string> Strings(const std::string& name,
                                                 std::vector<std::string> fallback = {});
  [[nodiscard]] std::vector<std::int64_t> Integers(const std::string& name,
                                                   std::vector<std::int64_t> fallback,
                                                   std::int64_t minimum, std::int64_t maximum);
  [[nodiscard]] Json Object(const std::string& name);  // {} when not given
  [[nodiscard]] Json List(const std::string& name);    // [] when not given
  [[nodiscard]] Json Any(const std::string& name);     // of whatever type; null when not given

  void Fail(const std::string& problem);
  // Invalid for the first problem, or for a parameter that nobody asked for.
  [[nodiscard]] Result<void> Finish() const;

 private:
  const Json* Find(const std::string& name);
  const Json& values_;
  std::set<std::string> known_;
  std::string error_;
};

}  // namespace penstock::sdk

#include "components/sdk/step.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::uint64_t kMaxParameterBytes = 256ULL << 20;
constexpr std::size_t kMaxReason = 512;  // as operator and launcher have it

// The JSON object in the file that the variable names; {} without the variable.
Result<Json> ReadVariable(const char* variable) {
  const char* path = std::getenv(variable);
  if (path == nullptr || *path == '\0') return Json::object();
  auto text = ReadFile(path, kMaxParameterBytes);
  if (!text) return Wrap(variable, text.error());
  auto json = ParseJson(*text, std::string(variable) + " (" + path + ")");
  if (!json) return json.error();
  if (!json->is_object()) return Invalid(std::string(variable) + ": must be a JSON object");
  return json;
}

std::string TextOf(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : std::string();
}

StepInput ParseInput(const std::string& value) {
  const bool is_uri = value.find("://") != std::string::npos;
  return is_uri ? StepInput{"", value, ""} : StepInput{value, "", ""};
}

}  // namespace

Step::Step(Json parameters, std::map<std::string, StepInput> inputs,
           std::map<std::string, std::string> outputs, std::string results_folder)
    : parameters_(std::move(parameters)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      results_folder_(std::move(results_folder)) {}

Result<Step> Step::FromEnvironment() {
  PENSTOCK_ASSIGN(auto parameters, ReadVariable("PENSTOCK_PARAMETERS"));
  PENSTOCK_ASSIGN(auto inputs_json, ReadVariable("PENSTOCK_INPUTS"));
  PENSTOCK_ASSIGN(auto outputs_json, ReadVariable("PENSTOCK_OUTPUTS"));
  std::map<std::string, StepInput> inputs;
  for (const auto& [name, input] : inputs_json.items()) {
    StepInput given{TextOf(input, "path"), TextOf(input, "uri"), TextOf(input, "type")};
    // An optional input that was not given may stand there empty.
    if (!given.path.empty() || !given.uri.empty()) inputs[name] = std::move(given);
  }
  std::map<std::string, std::string> outputs;
  for (const auto& [name, output] : outputs_json.items()) {
    outputs[name] = TextOf(output, "path");
    if (outputs[name].empty())
      return Invalid("PENSTOCK_OUTPUTS: output '" + name + "' has no path");
  }
  const char* results = std::getenv("PENSTOCK_RESULTS");
  Step step(std::move(parameters), std::move(inputs), std::move(outputs),
            results == nullptr ? "" : results);
  if (const char* file = std::getenv("PENSTOCK_NOT_REUSABLE")) step.not_reusable_file_ = file;
  return step;
}

Result<void> Step::AddArguments(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& option = arguments[i];
    if (i + 1 == arguments.size()) return Invalid(option + " needs a value");
    const std::string& value = arguments[i + 1];
    if (option == "--results") {
      results_folder_ = value;
      continue;
    }
    const auto equals = value.find('=');
    if (equals == std::string::npos || equals == 0) return Invalid(option + " takes name=value");
    const std::string name = value.substr(0, equals);
    const std::string text = value.substr(equals + 1);
    if (option == "--input") {
      inputs_[name] = ParseInput(text);
    } else if (option == "--output") {
      outputs_[name] = text;
    } else if (option == "--parameter") {
      const Json json = Json::parse(text, nullptr, false);
      parameters_[name] = json.is_discarded() ? Json(text) : json;
    } else {
      return Invalid("unknown option " + option +
                     "; there are --input, --output, --parameter and --results");
    }
  }
  return {};
}

Result<std::string> Step::InputPath(const std::string& name) const {
  const auto found = inputs_.find(name);
  if (found == inputs_.end()) return Invalid("input '" + name + "' is missing");
  if (found->second.path.empty()) {
    return Invalid("input '" + name + "' is a URI; only ingest reads outside sources");
  }
  return found->second.path;
}

Result<std::string> Step::OutputPath(const std::string& name) const {
  const auto found = outputs_.find(name);
  if (found == outputs_.end()) return Invalid("output '" + name + "' is missing");
  return found->second;
}

Result<void> Step::WriteResult(const std::string& name, const Json& value) const {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  std::printf("result %s: %s\n", name.c_str(), text.c_str());
  if (results_folder_.empty()) return {};
  return WriteFileAtomically(std::filesystem::path(results_folder_) / name, text);
}

Result<void> Step::DoNotCache(const std::string& reason) const {
  const std::string why = plan::Shown(reason, kMaxReason);
  if (why.find_first_not_of(' ') == std::string::npos)
    return Invalid("outputs that are not to be reused need a reason");
  std::printf("not to be reused: %s\n", why.c_str());
  if (not_reusable_file_.empty()) return {};
  return WriteFileAtomically(not_reusable_file_, why);
}

}  // namespace penstock::sdk

// A validation as a step runs it, in a folder of its own. For tests only.
#pragma once

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "components/sdk/testing/test_data.h"
#include "components/validate/run.h"

namespace penstock::validate {

struct Ran {
  std::string error;                                   // of the step; empty: it ran
  Json report;                                         // anomalies.json
  std::map<std::string, std::set<std::string>> types;  // by column; "" for the dataset
};

inline std::string TextOfFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// `folder` gets the outputs: rest, quarantine, anomalies, page, junit, proposal, results/.
inline Ran Validate(const sdk::TestFolder& folder, const Json& parameters,
                    const std::map<std::string, std::string>& inputs) {
  std::map<std::string, sdk::StepInput> given;
  for (const auto& [name, path] : inputs) given[name] = {path, "", "dataset"};
  sdk::Step step(parameters, given,
                 {{"dataset", folder / "rest"},
                  {"quarantine", folder / "quarantine"},
                  {"anomalies", folder / "anomalies"},
                  {"page", folder / "page"},
                  {"junit", folder / "junit"},
                  {"proposal", folder / "proposal"}},
                 folder / "results");
  Ran ran;
  const auto ok = RunValidate(step);
  if (!ok) ran.error = ok.error().message;
  const std::string text = TextOfFile(folder / "anomalies");
  if (text.empty()) return ran;
  ran.report = Json::parse(text);
  for (const auto& anomaly : ran.report["anomalies"]) {
    ran.types[anomaly.value("column", "")].insert(anomaly["type"].get<std::string>());
  }
  return ran;
}

}  // namespace penstock::validate

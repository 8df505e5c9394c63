// Runs ingest on files that a test writes or that lie in testdata (make.py), and shows what came.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "components/ingest/run.h"
#include "components/sdk/cells.h"
#include "components/sdk/schema.h"
#include "components/sdk/testing/table_text.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"
#include "operator/base/testing/expect_says.h"

namespace penstock::ingest {

class IngestFiles : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }
  static std::string TestData(const std::string& name) {
    return std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testing/testdata/" + name;
  }
  void Copy(const std::string& from, const std::string& to) {
    Write(to, *ReadFile(TestData(from)));
  }

  Result<void> Run(const std::string& source, const Json& parameters = Json::object(),
                   const std::string& schema = "") {
    std::map<std::string, sdk::StepInput> inputs = {{"source", {source, "", ""}}};
    if (!schema.empty()) inputs["schema"] = {schema, "", ""};
    std::filesystem::create_directories(folder_ / "results");
    sdk::Step step(parameters, inputs,
                   {{"dataset", folder_ / "out"},
                    {"schema", folder_ / "_schema.yaml"},
                    {"report", folder_ / "report.md"}},
                   folder_ / "results");
    return RunIngest(step);
  }
  // "" when it is read.
  std::string Problem(const std::string& source, const Json& parameters = Json::object(),
                      const std::string& schema = "") {
    const auto ok = Run(source, parameters, schema);
    return ok ? "" : ok.error().message;
  }
  std::string Report() { return *ReadFile(folder_ / "report.md"); }
  std::string ResultOf(const std::string& name) { return *ReadFile(folder_ / "results/" + name); }
  sdk::Schema SchemaOut() { return sdk::LoadSchema(folder_ / "_schema.yaml").value(); }

  std::string Table() { return sdk::TableText(folder_ / "out", SchemaOut()); }

  sdk::TestFolder folder_;
};

}  // namespace penstock::ingest

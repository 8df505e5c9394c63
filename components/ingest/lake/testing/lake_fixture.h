// Reads tables of testdata, which deltalake and pyiceberg wrote (testdata/make.py), beside what
// these read of them.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "components/ingest/testing/ingest_fixture.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::ingest {

class LakeTables : public IngestFiles {
 protected:
  LakeTables() {
    const std::string kept = folder_ / "fingerprints";
    std::filesystem::create_directories(kept);
    ::setenv("PENSTOCK_FINGERPRINTS", kept.c_str(), 1);
  }
  ~LakeTables() override {
    ::unsetenv("PENSTOCK_FINGERPRINTS");
    for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})
      ::unsetenv(name);
  }

  // The columns, and the rows in the order of their texts: other readers have another order.
  std::string RowsOf(const std::string& source, const Json& parameters = Json::object()) {
    const std::string problem = Problem(source, parameters);
    if (!problem.empty()) return problem;
    std::istringstream table(Table());
    std::string head;
    std::getline(table, head);
    std::vector<std::string> rows;
    for (std::string row; std::getline(table, row);) rows.push_back(row);
    std::sort(rows.begin(), rows.end());
    for (const auto& row : rows) head += "\n" + row;
    return head;
  }
  std::string ExpectedRows(const std::string& name, const Json& parameters = Json::object()) {
    return RowsOf(TestData(name + ".parquet"), parameters);
  }
  // The tables of testdata whose names begin so and whose rows are there too.
  static std::vector<std::string> Tables(const std::string& begin) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(TestData(""))) {
      const std::string name = entry.path().filename().string();
      if (entry.is_directory() && name.starts_with(begin) &&
          std::filesystem::exists(TestData(name + ".parquet")))
        names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  [[nodiscard]] std::string Fingerprint() const {
    const auto text = ReadFile(folder_ / "fingerprints/source");
    return text ? *text : "none";
  }
  // A copy that a test may spoil.
  std::string CopyOf(const std::string& name) {
    const std::filesystem::path to = std::filesystem::path(folder_ / "tables") / name;
    std::filesystem::create_directories(to.parent_path());
    std::filesystem::copy(TestData(name), to, std::filesystem::copy_options::recursive);
    return to.string();
  }
  // All files of a folder as objects of `models`, and the variables that lead there.
  void Upload(s3::FakeS3& store, const std::filesystem::path& from, const std::string& prefix) {
    ::setenv("AWS_ENDPOINT_URL", store.settings().endpoint.c_str(), 1);
    ::setenv("AWS_ACCESS_KEY_ID", s3::FakeS3::keys().access_key.c_str(), 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", s3::FakeS3::keys().secret_key.c_str(), 1);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(from)) {
      if (!entry.is_regular_file()) continue;
      const auto relative = std::filesystem::relative(entry.path(), from);
      store.SetBytes(prefix + relative.string(), *ReadFile(entry.path()));
    }
  }
  static void Replace(const std::filesystem::path& path, const std::string& from,
                      const std::string& to) {
    std::string text = *ReadFile(path);
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << path << " has no " << from;
    text.replace(at, from.size(), to);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
};

}  // namespace penstock::ingest

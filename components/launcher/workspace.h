// The folder of an attempt, as the child finds it:
//
//   DIR/inputs/<name>      artifacts, read-only        DIR/inputs.json     all inputs
//                          (and URIs that the step asks for by path)
//   DIR/code               the step's code, read-only  DIR/outputs.json    where outputs belong
//   DIR/packages           its Python packages, read-only, in front of PYTHONPATH
//   DIR/parameters/<name>  one value a file            DIR/parameters.json all values
//   DIR/outputs/ DIR/results/ DIR/fingerprints/ DIR/tmp/ DIR/workspace/   for the child to write
//   DIR/home/              HOME, where the image's user has none that it may write
//   DIR/metrics.jsonl      for the child to append to: points of curves, progress
//   DIR/not-reusable       written by a child whose outputs no other run may take: why
//
// A string parameter's file is its raw text; every other type is JSON. A value type; one thread.
#pragma once

#include <filesystem>
#include <string>

#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

class Workspace {
 public:
  // `code` empty: DIR/code.
  explicit Workspace(std::filesystem::path dir, std::filesystem::path code = {})
      : dir_(std::move(dir)), code_(std::move(code)) {}

  [[nodiscard]] const std::filesystem::path& dir() const { return dir_; }
  [[nodiscard]] std::filesystem::path Input(const std::string& n) const {
    return dir_ / "inputs" / n;
  }
  [[nodiscard]] std::filesystem::path Output(const std::string& n) const {
    return dir_ / "outputs" / n;
  }
  [[nodiscard]] std::filesystem::path ResultFile(const std::string& n) const {
    return dir_ / "results" / n;
  }
  [[nodiscard]] std::filesystem::path Parameter(const std::string& n) const {
    return dir_ / "parameters" / n;
  }
  [[nodiscard]] std::filesystem::path Fingerprint(const std::string& n) const {
    return dir_ / "fingerprints" / n;
  }
  [[nodiscard]] std::filesystem::path not_reusable() const { return dir_ / "not-reusable"; }
  [[nodiscard]] std::filesystem::path metrics() const { return dir_ / "metrics.jsonl"; }
  [[nodiscard]] std::filesystem::path code() const { return code_.empty() ? dir_ / "code" : code_; }
  [[nodiscard]] std::filesystem::path packages() const { return dir_ / "packages"; }
  [[nodiscard]] std::filesystem::path tmp() const { return dir_ / "tmp"; }
  // $(workspace.path): what the containers of the step leave for each other.
  [[nodiscard]] std::filesystem::path shared() const { return dir_ / "workspace"; }
  [[nodiscard]] std::filesystem::path home() const { return dir_ / "home"; }
  [[nodiscard]] std::filesystem::path parameters_json() const { return dir_ / "parameters.json"; }
  [[nodiscard]] std::filesystem::path inputs_json() const { return dir_ / "inputs.json"; }
  [[nodiscard]] std::filesystem::path outputs_json() const { return dir_ / "outputs.json"; }

  // Removes what an earlier attempt left under the names above, and writes everything but
  // inputs, code and packages, which are fetched.
  [[nodiscard]] Result<void> Prepare(const TaskDocument& task) const;

  // What an input that is a URI was when it was read.
  [[nodiscard]] Result<void> WriteFingerprint(const std::string& input,
                                              const std::string& text) const;

 private:
  std::filesystem::path dir_;
  std::filesystem::path code_;
};

}  // namespace penstock::launcher

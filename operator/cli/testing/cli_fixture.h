// A session on a folder of its own, for tests of whole commands.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "operator/cli/commands.h"
#include "operator/cli/objects/state.h"
#include "operator/local/pod_launch.h"

namespace penstock::cli {

class CliTest : public testing::Test {
 protected:
  CliTest() {
    std::filesystem::create_directories(folder_);
    // The programs of the build are beside the tests: <build>/bin and <build>/tests.
    std::error_code ignored;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
    session_.program = self.parent_path().parent_path() / "bin" / "penstock";
    session_.env["PATH"] = "/usr/local/bin:/usr/bin:/bin";
    session_.env["HOME"] = folder_.string();
    session_.interrupted = first_.get_token();
    session_.interrupted_twice = second_.get_token();
    session_.connect = [](const GlobalFlags&) -> Result<Cluster> {
      return NotFound("the tests have no cluster");
    };
  }
  ~CliTest() override { local::RemoveFolder(folder_); }

  // The exit code of `penstock <words>`; streams are new for each call.
  int Penstock(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    session_.flags = {};
    words.insert(words.begin(), "penstock");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return CommandLine(static_cast<int>(argv.size()), argv.data(), session_);
  }
  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  void CopyTestdata(const std::string& name) {
    std::filesystem::copy_file(std::filesystem::path(PENSTOCK_TEST_SOURCE_DIR) / "testdata" / name,
                               folder_ / name, std::filesystem::copy_options::overwrite_existing);
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("cli-" + std::to_string(getpid()));
  SystemClock clock_;
  std::ostringstream out_, err_;
  std::istringstream in_;
  std::stop_source first_, second_;
  Session session_{out_, err_, in_, clock_, {}, folder_, {}};
};

}  // namespace penstock::cli

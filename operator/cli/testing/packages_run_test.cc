// Python packages of a step (code.requirements) installed by this machine's pip from a folder of
// wheels, with no network.
#include <chrono>

#include "operator/cli/testing/run_fixture.h"
#include "operator/os/command.h"

namespace penstock::cli {
namespace {

class PackagesRunTest : public RunTest {
 protected:
  void SetUp() override {
    if (!AskCommand({"python3", "-m", "pip", "--version"}, std::chrono::seconds(30)))
      GTEST_SKIP() << "this machine has no python3 with pip";
  }
  // A wheel of one module that says a word, and perhaps needs another package.
  void MakeWheel(const std::string& name, const std::string& version, const std::string& word,
                 const std::string& needs = "") {
    Write("wheel.py", R"(import os, sys, zipfile
folder, name, version, word, needs = sys.argv[1:]
os.makedirs(folder, exist_ok=True)
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as z:
    z.writestr(f"{name}.py", f"word = {word!r}\n")
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    z.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}")
    z.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
)");
    const auto made = AskCommand({"python3", (folder_ / "wheel.py").string(),
                                  (folder_ / "wheels").string(), name, version, word, needs},
                                 std::chrono::seconds(30));
    ASSERT_TRUE(made) << made.error().message;
  }
  // Two steps that ask for the same packages.
  void WritePipeline(const std::string& requirements) {
    const std::string container =
        "image: example.com/python:3, command: [python3, -c, \"import greeting, os; "
        "open(os.environ['OUT'], 'w').write(greeting.word)\"], env: [{name: OUT, value: "
        "$(results.word.path)}, {name: PIP_NO_INDEX, value: \"1\"}, {name: PIP_FIND_LINKS, value: "
        "\"" +
        (folder_ / "wheels").string() + "\"}], code: " + requirements;
    std::string steps;
    for (const char* name : {"one", "two"})
      steps += std::string("  - {name: ") + name + ", container: {" + container +
               "}, results: [{name: word}]}\n";
    Write("packages.yaml",
          "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: packages}\nspec:\n"
          "  defaults: {cache: {trustTag: true}}\n  steps:\n" +
              steps);
  }
  int RunPackages() { return Penstock({"run", "packages.yaml", "--isolation", "process"}); }
  Json LastRun() { return *State(folder_ / ".penstock").FindRun("packages"); }
  // "pip ran, one ran hello, two ran hello"
  std::string Ran() {
    EXPECT_EQ(RunPackages(), kOk) << out_.str() << err_.str();
    const Json run = LastRun();
    std::string text;
    for (const Json& step : run.at("status").at("steps")) {
      text += text.empty() ? "" : ", ";
      text += step["name"].get<std::string>().substr(0, 3);
      text += step.value("cached", false) ? " cached" : " ran";
      const std::string word = step.value("results", Json::object()).value("word", "");
      text += word.empty() ? "" : " " + word;
    }
    return text;
  }
};

TEST_F(PackagesRunTest, TheyAreInstalledOnceForAllStepsAndRunsWithTheSameLock) {
  MakeWheel("greeting", "1.0", "hello");
  MakeWheel("greeting", "2.0", "bye");
  WritePipeline("{requirements: {text: \"greeting==1.0\"}}");
  EXPECT_EQ(Ran(), "pip ran, one ran hello, two ran hello");
  EXPECT_EQ(Ran(), "pip cached, one cached hello, two cached hello");
  WritePipeline("{requirements: {text: \"greeting==2.0\"}}");
  EXPECT_EQ(Ran(), "pip ran, one ran bye, two ran bye");
}

TEST_F(PackagesRunTest, ALockBesideTheProgramIsReadAndAChangeOfTheProgramInstallsNothing) {
  MakeWheel("greeting", "1.0", "hello");
  Write("src/requirements.lock", "# pinned\ngreeting==1.0\n");
  Write("src/main.py", "1\n");
  WritePipeline("{path: ./src, requirements: {file: requirements.lock}}");
  EXPECT_EQ(Ran(), "pip ran, one ran hello, two ran hello");
  Write("src/main.py", "2\n");
  EXPECT_EQ(Ran(), "pip cached, one ran hello, two ran hello");
}

TEST_F(PackagesRunTest, ALineThatIsNotPinnedIsToldBeforeAnythingRuns) {
  Write("src/requirements.lock", "six==1.16.0\ngreeting>=1\n");
  WritePipeline("{path: ./src, requirements: {file: requirements.lock}}");
  for (const auto& words : {std::vector<std::string>{"validate", "packages.yaml"},
                            {"run", "packages.yaml", "--isolation", "process"}}) {
    EXPECT_EQ(Penstock(words), kInvalidSpec);
    EXPECT_NE(err_.str().find("requirements.lock: line 2: 'greeting>=1' is not pinned; write "
                              "greeting==VERSION"),
              std::string::npos)
        << err_.str();
  }
}

TEST_F(PackagesRunTest, WhatPipSaysIsWhyTheStepFailed) {
  MakeWheel("greeting", "1.0", "hello");
  WritePipeline("{requirements: {text: \"greeting==3.0\"}}");
  EXPECT_EQ(RunPackages(), kFailed);
  EXPECT_NE(err_.str().find("No matching distribution found for greeting==3.0"), std::string::npos)
      << err_.str();
}

TEST_F(PackagesRunTest, APackageThatNeedsOneThatTheLockLacksIsNamed) {
  MakeWheel("greeting", "1.0", "hello", "penstock-test-nowhere>=2");
  WritePipeline("{requirements: {text: \"greeting==1.0\"}}");
  EXPECT_EQ(RunPackages(), kFailed);
  EXPECT_NE(err_.str().find("the lock is not whole: greeting 1.0 requires penstock-test-nowhere"),
            std::string::npos)
      << err_.str();
}

TEST_F(PackagesRunTest, DebugRunsTheStepAgainWithThem) {
  MakeWheel("greeting", "1.0", "hello");
  WritePipeline("{requirements: {text: \"greeting==1.0\"}}");
  ASSERT_EQ(RunPackages(), kOk) << err_.str();
  ASSERT_EQ(Penstock({"debug", "packages", "one", "--local", "--folder", "look"}), kOk)
      << err_.str();
  EXPECT_EQ(std::system((folder_ / "look/run").c_str()), 0);
}

}  // namespace
}  // namespace penstock::cli

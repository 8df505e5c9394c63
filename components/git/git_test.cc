#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "components/git/run.h"
#include "operator/base/file.h"
#include "operator/os/command.h"

namespace penstock::git {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

// A repository of two commits in a folder of its own.
class Git : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-git-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    repository_ = folder_ / "repository";
    fs::create_directories(repository_ / "steps");
    Ask({"init", "-q", "-b", "main", "."});
    Commit("print(1)\n");
    first_ = Ask({"rev-parse", "HEAD"}).substr(0, 40);
    Ask({"tag", "v1"});
    Ask({"tag", "-a", "-m", "annotated", "v1.0"});
    Commit("print(2)\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Ask(std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"git", "-C", repository_.string(), "-c", "user.name=t", "-c", "user.email=t@t"});
    auto said = AskCommand(words, std::chrono::seconds(20));
    EXPECT_TRUE(said) << (said ? "" : said.error().message);
    return said ? *said : "";
  }
  void Commit(const std::string& program) {
    std::ofstream(repository_ / "steps/report.py") << program;
    Ask({"add", "."});
    Ask({"commit", "-q", "-m", "a change"});
  }

  // The tree of folder_/entries, as `git ls-tree` writes them.
  std::string MakeTree() {
    const auto made = AskCommand(
        {"sh", "-c",
         "git -C '" + repository_.string() + "' mktree < '" + (folder_ / "entries").string() + "'"},
        std::chrono::seconds(20));
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? made->substr(0, 40) : "";
  }
  void CommitTree(const std::string& tree) {
    const std::string commit = Ask({"commit-tree", "-m", "made", tree}).substr(0, 40);
    Ask({"update-ref", "refs/heads/main", commit});
  }

  // Into output(), which is emptied before.
  Result<void> Run(const std::string& url, const std::string& revision, const std::string& path) {
    fs::remove_all(folder_ / "out");
    fs::remove_all(folder_ / "results");
    fs::create_directories(folder_ / "results");
    sdk::Step step({{"url", url}, {"revision", revision}, {"path", path}}, {},
                   {{"folder", output().string()}}, (folder_ / "results").string());
    return RunGit(step, credentials_, bounds_);
  }
  Result<void> RunLocal(const std::string& revision, const std::string& path = "steps") {
    return Run("file://" + repository_.string(), revision, path);
  }
  std::string ErrorOf(const std::string& url, const std::string& revision = "",
                      const std::string& path = "") {
    const auto done = Run(url, revision, path);
    return done ? "fetched" : done.error().message;
  }
  std::string LocalError(const std::string& revision, const std::string& path) {
    return ErrorOf("file://" + repository_.string(), revision, path);
  }
  [[nodiscard]] fs::path output() const { return folder_ / "out" / "folder"; }
  [[nodiscard]] std::string Fetched(const std::string& file) const {
    auto text = ReadFile(output() / file);
    return text ? *text : text.error().message;
  }

  fs::path folder_, repository_;
  std::string first_;
  Credentials credentials_;
  Bounds bounds_;
};

TEST_F(Git, ABranchATagACommitAndTheDefaultAreEachFound) {
  for (const auto& [revision, program] : {std::pair<std::string, std::string>{"main", "print(2)\n"},
                                          {"v1", "print(1)\n"},
                                          {"v1.0", "print(1)\n"},
                                          {first_, "print(1)\n"},
                                          {"", "print(2)\n"}}) {
    const auto done = RunLocal(revision);
    ASSERT_TRUE(done) << revision << ": " << done.error().message;
    EXPECT_EQ(Fetched("report.py"), program) << revision;
  }
}

TEST_F(Git, ALockInTheFolderIsAnOutputOfItsOwnOnceEachLineIsPinned) {
  const auto lock = [this](const std::string& text, const std::string& file) {
    std::ofstream(repository_ / "steps/requirements.lock") << text;
    Commit("print(" + std::to_string(text.size()) + ")\n");
    fs::remove_all(folder_ / "out");
    sdk::Step step({{"url", "file://" + repository_.string()}, {"path", "steps"}, {"file", file}},
                   {}, {{"folder", output().string()}, {"file", (folder_ / "out/file").string()}},
                   "");
    const auto done = RunGit(step, credentials_, bounds_);
    if (!done) return done.error().message;
    const auto read = ReadFile(folder_ / "out/file");
    return read ? *read : read.error().message;
  };
  EXPECT_EQ(lock("six==1.16.0\n", "requirements.lock"), "six==1.16.0\n");
  EXPECT_THAT(lock("numpy\n", "requirements.lock"),
              HasSubstr("'requirements.lock': line 1: 'numpy' is not pinned"));
  EXPECT_THAT(lock("six==1.15.0\n", "other.lock"), HasSubstr("has no such file"));
  EXPECT_THAT(lock("six==1.14.0\n", "../steps/x"), HasSubstr("file: '../steps/x' is no file"));
}

TEST_F(Git, TheResultIsTheCommitThatATagNames) {
  ASSERT_TRUE(RunLocal("v1.0"));
  EXPECT_EQ(*ReadFile(folder_ / "results/commit"), first_);
}

TEST_F(Git, NothingButTheFolderArrives) {
  ASSERT_TRUE(RunLocal("main", ""));
  EXPECT_TRUE(fs::exists(output() / "steps/report.py"));
  EXPECT_FALSE(fs::exists(output() / ".git"));
}

TEST_F(Git, AProgramStaysExecutable) {
  fs::permissions(repository_ / "steps/report.py", fs::perms::owner_exec, fs::perm_options::add);
  Commit("print(3)\n");
  ASSERT_TRUE(RunLocal("main"));
  EXPECT_NE(fs::status(output() / "report.py").permissions() & fs::perms::owner_exec,
            fs::perms::none);
}

TEST_F(Git, NamesWhatTheRepositoryDoesNotHave) {
  EXPECT_THAT(LocalError("nosuch", ""), HasSubstr("couldn't find remote ref nosuch"));
  EXPECT_EQ(LocalError("main", "nosuch"), "path: the repository has no folder 'nosuch'");
  EXPECT_EQ(LocalError("main", "steps/report.py"),
            "path: the repository has no folder 'steps/report.py'");
  EXPECT_EQ(LocalError("main", ":(top)steps"), "path: the repository has no folder ':(top)steps'");
}

TEST_F(Git, ACommitInShortIsToldToBeWrittenWhole) {
  EXPECT_THAT(LocalError(first_.substr(0, 8), ""), HasSubstr("named by all its 40 digits"));
  EXPECT_THAT(LocalError("nosuch", ""), Not(HasSubstr("40 digits")));
}

TEST_F(Git, ARepositoryThatIsNotThereIsToldInGitsLastWords) {
  EXPECT_THAT(ErrorOf("file://" + (folder_ / "nosuch").string(), "main"),
              ::testing::AllOf(HasSubstr("nosuch at main (without secretRef)"),
                               HasSubstr("does not appear to be a git repository")));
  EXPECT_THAT(ErrorOf("http://127.0.0.1:1/x"),
              ::testing::AllOf(HasSubstr("http://127.0.0.1:1/x at HEAD"), HasSubstr("127.0.0.1")));
}

TEST_F(Git, NoLinkOfTheRepositoryLeadsOutOfIt) {
  const fs::path secrets = folder_ / "secrets";
  fs::create_directories(secrets / "inner");
  std::ofstream(secrets / "token") << "somebody's";
  std::ofstream(secrets / "inner/token") << "somebody's";
  fs::create_directory_symlink(secrets, repository_ / "link");
  fs::create_directory_symlink("../steps", repository_ / "steps/within");
  Commit("print(4)\n");
  for (const char* path : {"link", "link/", "link/.", "./link/.", "link//.", "link/inner",
                           "link/inner/.", "steps/within", "steps/within/.", "steps", ""}) {
    EXPECT_THAT(LocalError("main", path), HasSubstr("is a symbolic link")) << path;
    EXPECT_FALSE(fs::exists(output())) << path;
  }
}

TEST_F(Git, APathMayBeWrittenWithDotsAndSlashes) {
  ASSERT_TRUE(RunLocal("main", "./steps//."));
  EXPECT_EQ(Fetched("report.py"), "print(2)\n");
}

TEST_F(Git, ASubmoduleIsLeftOutAndNoFolderOfTheRepository) {
  Ask({"update-index", "--add", "--cacheinfo", "160000," + first_ + ",steps/other"});
  Ask({"commit", "-q", "-m", "a submodule"});
  ASSERT_TRUE(RunLocal("main"));
  EXPECT_EQ(Fetched("report.py"), "print(2)\n");
  EXPECT_THAT(LocalError("main", "steps/other"), HasSubstr("is a submodule"));
}

TEST_F(Git, NeitherFiltersNorAttributesOfTheUsersAreAsked) {
  std::ofstream(repository_ / ".gitattributes") << "*.py filter=evil\n";
  const fs::path home = folder_ / "home";
  fs::create_directories(home);
  std::ofstream(home / ".gitconfig") << "[filter \"evil\"]\n\tsmudge = sed s/print/evil/\n"
                                     << "[core]\n\tautocrlf = true\n";
  Commit("print(5)\n");
  const std::string before = getenv("HOME") == nullptr ? "" : getenv("HOME");
  setenv("HOME", home.c_str(), 1);
  const auto done = RunLocal("main");
  setenv("HOME", before.c_str(), 1);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(Fetched("report.py"), "print(5)\n");
}

TEST_F(Git, WhatIsWrittenWrongIsNamedByItsField) {
  EXPECT_THAT(ErrorOf("ext::sh"), HasSubstr("url: takes https://"));
  EXPECT_THAT(ErrorOf("https://me:secret@host/x"), HasSubstr("url: has a user name"));
  EXPECT_THAT(ErrorOf("https://host/x", "--upload-pack=x"), HasSubstr("revision: "));
  EXPECT_THAT(ErrorOf("https://host/x", "main", "../.."), HasSubstr("path: "));
}

TEST_F(Git, ARepositoryThatIsTooLargeIsEndedWhileItIsFetched) {
  std::string noise;  // nothing that could be compressed
  std::uint64_t x = 88172645463325252ULL;
  while (noise.size() < 400'000) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    noise.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  std::ofstream(repository_ / "data.bin") << noise;
  Commit("print(3)\n");
  bounds_.bytes = 100'000;
  const auto done = RunLocal("main");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kTooLarge) << done.error().message;
  EXPECT_THAT(done.error().message, HasSubstr("keep the step's code apart from data"));
}

TEST_F(Git, AFolderThatGrowsWhenItIsUnpackedIsRefusedBeforeItIs) {
  std::ofstream(repository_ / "steps/zeros.bin") << std::string(2'000'000, '\0');
  Commit("print(3)\n");
  bounds_.bytes = 1'000'000;
  EXPECT_THAT(LocalError("main", "steps"), HasSubstr("keep the step's code apart from data"));
  EXPECT_FALSE(fs::exists(output()));
}

TEST_F(Git, AFolderOfTooManyFilesIsRefused) {
  for (int i = 0; i < 20; ++i) std::ofstream(repository_ / ("f" + std::to_string(i))) << "x";
  Commit("print(3)\n");
  bounds_.files = 10;
  EXPECT_THAT(LocalError("main", ""), HasSubstr("has over 10 files"));
  EXPECT_TRUE(RunLocal("main", "steps"));
}

TEST_F(Git, ATreeOfTreesIsEndedBeforeItIsUnfolded) {
  // Sixteen folders that are all the same one, nine times over: 16^9 files of a few hundred bytes.
  const std::string blob = Ask({"rev-parse", "HEAD:steps/report.py"}).substr(0, 40);
  std::string below = "100644 blob " + blob;
  for (int level = 0; level < 9; ++level) {
    std::ofstream entries(folder_ / "entries");
    for (char name = 'a'; name < 'q'; ++name) entries << below << '\t' << name << '\n';
    entries.close();
    below = "040000 tree " + MakeTree();
  }
  CommitTree(below.substr(12));
  bounds_.files = 1000;
  EXPECT_THAT(LocalError("main", ""), HasSubstr("has over 1000 files"));
}

TEST_F(Git, ATreeThatNamesWhatLiesAboveItIsRefused) {
  const std::string blob = Ask({"rev-parse", "HEAD:steps/report.py"}).substr(0, 40);
  for (const char* name : {"..", ".git"}) {
    std::ofstream(folder_ / "entries") << "100644 blob " << blob << "\tescaped\n";
    const std::string inner = MakeTree();
    std::ofstream(folder_ / "entries") << "040000 tree " << inner << '\t' << name << '\n';
    CommitTree(MakeTree());
    EXPECT_THAT(LocalError("main", ""), HasSubstr("invalid path")) << name;
    EXPECT_FALSE(fs::exists(folder_ / "out" / "escaped")) << name;
    EXPECT_FALSE(fs::exists(output() / ".git")) << name;
  }
}

TEST_F(Git, NothingOfACredentialIsLeftBehind) {
  const fs::path temporary = folder_ / "temporary";
  fs::create_directories(temporary);
  const std::string before = getenv("TMPDIR") == nullptr ? "" : getenv("TMPDIR");
  setenv("TMPDIR", temporary.c_str(), 1);
  credentials_ = {.secret = "s", .username = "me", .password = "hunter2"};
  const std::string said = ErrorOf("https://127.0.0.1:1/x", "main");
  if (before.empty()) {
    unsetenv("TMPDIR");
  } else {
    setenv("TMPDIR", before.c_str(), 1);
  }
  EXPECT_THAT(said, HasSubstr("https://127.0.0.1:1/x at main: "));
  EXPECT_THAT(said, Not(HasSubstr("hunter2")));
  EXPECT_TRUE(fs::is_empty(temporary));
}

class LoginTest : public Git {
 protected:
  std::string LoginError(const std::string& url) {
    const auto login = WriteLogin(credentials_, url, folder_);
    return login ? "" : login.error().message;
  }
};

TEST_F(LoginTest, APasswordGoesToItsHostAloneThroughAFileForNobodyElse) {
  credentials_ = {.secret = "s", .username = "me@x", .password = "a:b/c%"};
  const auto login = WriteLogin(credentials_, "https://example.com:8443/a/b.git", folder_);
  ASSERT_TRUE(login) << login.error().message;
  EXPECT_EQ(*ReadFile(folder_ / "credentials"), "https://me%40x:a%3Ab%2Fc%25@example.com:8443\n");
  struct stat status {};
  ASSERT_EQ(stat((folder_ / "credentials").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  for (const std::string& config : login->config) EXPECT_THAT(config, Not(HasSubstr("a:b")));
}

TEST_F(LoginTest, ALineEndOfTheSecretsFileIsNoPartOfAPassword) {
  const auto credentials = ReadCredentials(
      [](const char* name) { return std::string(name) == "PENSTOCK_GIT_TOKEN" ? "t0ken\n" : ""; });
  EXPECT_EQ(credentials.token, "t0ken");
}

TEST_F(LoginTest, GitFindsThePasswordAndNobodyElseDoes) {
  credentials_ = {.secret = "s", .token = "t0ken"};
  const auto login = WriteLogin(credentials_, "https://example.com/a.git", folder_);
  ASSERT_TRUE(login) << login.error().message;
  const auto fill = [&](const std::string& host) {
    std::ofstream(folder_ / "asked") << "protocol=https\nhost=" << host << "\n\n";
    std::string command = "GIT_TERMINAL_PROMPT=0 GIT_ASKPASS= HOME=/nonexistent git";
    for (const std::string& config : login->config) command += " -c \"" + config + "\"";
    command += " credential fill < '" + (folder_ / "asked").string() + "' 2>&1; true";
    return *AskCommand({"sh", "-c", command}, std::chrono::seconds(20));
  };
  EXPECT_THAT(fill("example.com"), HasSubstr("username=x-access-token\npassword=t0ken"));
  EXPECT_THAT(fill("example.com.evil.org"), Not(HasSubstr("t0ken")));
}

TEST_F(LoginTest, AKeyComesWithTheServersThatItIsFor) {
  credentials_ = {.secret = "s", .ssh_key = "KEY", .known_hosts = "example.com ssh-ed25519 AAAA"};
  const auto login = WriteLogin(credentials_, "git@example.com:a/b.git", folder_);
  ASSERT_TRUE(login) << login.error().message;
  EXPECT_EQ(*ReadFile(folder_ / "ssh-privatekey"), "KEY\n");
  ASSERT_EQ(login->environment.size(), 1U);
  EXPECT_THAT(login->environment[0], HasSubstr("StrictHostKeyChecking=yes"));
  credentials_.known_hosts.clear();
  fs::remove(folder_ / "ssh-privatekey");
  EXPECT_THAT(LoginError("ssh://git@example.com/a"), HasSubstr("has no known_hosts"));
}

TEST_F(LoginTest, NamesTheKeyThatASecretLacks) {
  credentials_ = {.secret = "deploy"};
  EXPECT_THAT(LoginError("https://h/x"), HasSubstr("the Secret 'deploy' is not there, or holds"));
  credentials_ = {.secret = "deploy", .ssh_key = "KEY"};
  EXPECT_THAT(LoginError("https://h/x"), HasSubstr("has neither token nor password"));
  credentials_ = {.secret = "deploy", .password = "x"};
  EXPECT_THAT(LoginError("ssh://git@h/x"), HasSubstr("has no ssh-privatekey"));
}

TEST_F(LoginTest, AnAuthorityAloneIsEnoughForAPublicRepository) {
  credentials_ = {.secret = "s", .authority = "-----BEGIN CERTIFICATE-----\n"};
  const auto login = WriteLogin(credentials_, "https://h/x", folder_);
  ASSERT_TRUE(login) << login.error().message;
  EXPECT_THAT(login->config, ::testing::IsEmpty());
  EXPECT_THAT(login->environment,
              ::testing::ElementsAre("GIT_SSL_CAINFO=" + (folder_ / "ca.crt").string()));
}

}  // namespace
}  // namespace penstock::git

#include "operator/sources/git_code.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "operator/artifacts/manifest.h"
#include "operator/base/file.h"
#include "operator/os/command.h"

namespace penstock::sources {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A repository of two commits in a folder of its own, and a store.
class GitCode : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-git-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    store_.emplace(folder_ / "store");
    repository_ = folder_ / "repository";
    fs::create_directories(repository_ / "steps");
    Git({"init", "-q", "-b", "main", "."});
    Commit("print(1)\n");
    first_ = Git({"rev-parse", "HEAD"}).substr(0, 40);
    Git({"tag", "v1"});
    Commit("print(2)\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Git(std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"git", "-C", repository_.string(), "-c", "user.name=t", "-c", "user.email=t@t"});
    auto said = AskCommand(words, std::chrono::seconds(20));
    EXPECT_TRUE(said) << (said ? "" : said.error().message);
    return said ? *said : "";
  }
  void Commit(const std::string& program) {
    std::ofstream(repository_ / "steps/report.py") << program;
    Git({"add", "."});
    Git({"commit", "-q", "-m", "a change"});
  }

  Result<ArtifactRef> Store(const std::string& revision, const std::string& path = "steps") {
    options_.local_files = true;
    return StoreGitFolder(*store_, "team", {"file://" + repository_.string(), revision, path},
                          options_);
  }
  std::string Program(const ArtifactRef& ref) {
    const auto manifest =
        artifacts::ParseManifest(*ReadFile(*store_->BlobPath("team", ref.digest)));
    EXPECT_EQ(manifest->files.size(), 1u);
    return *ReadFile(*store_->BlobPath("team", "sha256:" + manifest->files[0].sha256));
  }
  std::string ErrorOf(const std::string& url, const std::string& revision = "",
                      const std::string& path = "") {
    const auto stored = StoreGitFolder(*store_, "team", {url, revision, path}, options_);
    return stored ? "stored" : stored.error().message;
  }

  fs::path folder_, repository_;
  std::optional<artifacts::Store> store_;
  std::string first_;
  GitOptions options_;
};

TEST_F(GitCode, ABranchATagACommitAndTheDefaultAreEachFound) {
  for (const auto& [revision, program] : {std::pair<std::string, std::string>{"main", "print(2)\n"},
                                          {"v1", "print(1)\n"},
                                          {first_, "print(1)\n"},
                                          {"", "print(2)\n"}}) {
    const auto stored = Store(revision);
    ASSERT_TRUE(stored) << revision << ": " << stored.error().message;
    EXPECT_TRUE(stored->folder);
    EXPECT_EQ(Program(*stored), program) << revision;
  }
}

TEST_F(GitCode, TheSameCommitIsTheSameArtifact) {
  EXPECT_EQ(Store("v1")->digest, Store(first_)->digest);
  EXPECT_NE(Store("v1")->digest, Store("main")->digest);
}

TEST_F(GitCode, NamesWhatTheRepositoryDoesNotHave) {
  EXPECT_THAT(Store("nosuch").error().message, HasSubstr("nosuch"));
  EXPECT_EQ(Store("main", "nosuch").error().message,
            "code.git.path: the repository has no folder 'nosuch'");
  EXPECT_THAT(Store("main", "steps/report.py").error().message, HasSubstr("no folder"));
}

TEST_F(GitCode, NoLinkOfTheRepositoryLeadsOutOfIt) {
  const fs::path secrets = folder_ / "secrets";
  fs::create_directories(secrets / "inner");
  std::ofstream(secrets / "token") << "the operator's";
  std::ofstream(secrets / "inner/token") << "the operator's";
  fs::create_directory_symlink(secrets, repository_ / "link");
  fs::create_directory_symlink("../steps", repository_ / "steps/within");
  Commit("print(4)\n");
  for (const char* path : {"link", "link/", "link/.", "./link/.", "link//.", "link/inner",
                           "link/inner/.", "steps/within", "steps/within/."}) {
    const auto stored = Store("main", path);
    ASSERT_FALSE(stored) << path;
    EXPECT_THAT(stored.error().message, HasSubstr("is a symbolic link")) << path;
  }
  const auto all = Store("main", "");
  ASSERT_FALSE(all);
  EXPECT_THAT(all.error().message, HasSubstr("is a symbolic link"));
}

TEST_F(GitCode, APathMayBeWrittenWithDotsAndSlashes) {
  EXPECT_EQ(Store("main", "steps")->digest, Store("main", "./steps//.")->digest);
}

TEST_F(GitCode, NothingButAPlainUrlReachesGit) {
  const std::string local = "file://" + repository_.string();
  EXPECT_THAT(ErrorOf(local), HasSubstr("takes https:// URLs"));  // only where files are local
  EXPECT_THAT(ErrorOf("ext::sh -c touch% /tmp/pwned"), HasSubstr("takes https:// URLs"));
  EXPECT_THAT(ErrorOf("https://me:secret@host/x"), HasSubstr("holds a user name"));
  EXPECT_THAT(ErrorOf("https://host/x\r\ny"), HasSubstr("control character"));
  EXPECT_THAT(ErrorOf("https://host/x", "--upload-pack=x"), HasSubstr("code.git.revision"));
  EXPECT_THAT(ErrorOf("https://host/x", "main", "../.."), HasSubstr("code.git.path"));
  EXPECT_THAT(ErrorOf("https://host/x", "main", "/etc"), HasSubstr("code.git.path"));
}

TEST_F(GitCode, AServerThatIsNotThereIsToldWithItsUrl) {
  EXPECT_THAT(ErrorOf("http://127.0.0.1:1/x"), HasSubstr("http://127.0.0.1:1/x"));
}

TEST_F(GitCode, ARepositoryThatIsTooLargeIsRefused) {
  std::ofstream(repository_ / "data.bin") << std::string(200'000, 'x');
  Commit("print(3)\n");
  options_.max_bytes = 100'000;
  EXPECT_THAT(Store("main").error().message, HasSubstr("keep the step's code apart from data"));
}

}  // namespace
}  // namespace penstock::sources

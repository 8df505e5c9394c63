#include "operator/protocol/git_source.h"

#include <gmock/gmock.h>

namespace penstock {
namespace {

using ::testing::HasSubstr;

std::string Wrong(const GitSource& source, bool has_secret = false) {
  const auto complaint = CheckGitSource(source, has_secret);
  return complaint ? complaint->field + ": " + complaint->what : "";
}

TEST(GitSource, TakesWhatRepositoriesAreNamedBy) {
  for (const char* url :
       {"https://example.com/a.git", "http://example.com:8080/a", "ssh://git@example.com:22/a.git",
        "git@example.com:group/a.git", "file:///srv/a"}) {
    EXPECT_EQ(Wrong({url, "release/1.2+b_c", "steps/report"}), "") << url;
  }
}

TEST(GitSource, NothingButAPlainUrlReachesGit) {
  EXPECT_THAT(Wrong({"ext::sh -c touch% /tmp/pwned", "", ""}), HasSubstr("control character"));
  EXPECT_THAT(Wrong({"ext::sh", "", ""}), HasSubstr("takes https://"));
  EXPECT_THAT(Wrong({"a@ext::sh", "", ""}), HasSubstr("takes https://"));
  EXPECT_THAT(Wrong({"--upload-pack=x", "", ""}), HasSubstr("takes https://"));
  EXPECT_THAT(Wrong({"/srv/a", "", ""}), HasSubstr("takes https://"));
  EXPECT_THAT(Wrong({"https://host/x\r\ny", "", ""}), HasSubstr("control character"));
  EXPECT_THAT(Wrong({"https:///x", "", ""}), HasSubstr("names no host"));
  EXPECT_THAT(Wrong({"ssh://-oProxyCommand=x/y", "", ""}), HasSubstr("names no host"));
  EXPECT_THAT(Wrong({"file://x/y", "", ""}), HasSubstr("file:///PATH"));
}

TEST(GitSource, NeitherOptionsNorWaysOutStandWhereRevisionAndPathDo) {
  EXPECT_THAT(Wrong({"https://host/x", "--upload-pack=x", ""}), HasSubstr("revision: "));
  EXPECT_THAT(Wrong({"https://host/x", "a..b", ""}), HasSubstr("revision: "));
  EXPECT_THAT(Wrong({"https://host/x", "a:b", ""}), HasSubstr("revision: "));
  for (const char* path : {"../..", "a/../b", "/etc", ".git", "a/.git/hooks", "a\nb"}) {
    EXPECT_THAT(Wrong({"https://host/x", "main", path}), HasSubstr("path: ")) << path;
  }
}

TEST(GitSource, NoPasswordStandsInAUrl) {
  EXPECT_THAT(Wrong({"https://me:secret@host/x", "", ""}), HasSubstr("secretRef"));
  EXPECT_THAT(Wrong({"https://token@host/x", "", ""}), HasSubstr("secretRef"));
  EXPECT_THAT(Wrong({"ssh://git:secret@host/x", "", ""}), HasSubstr("secretRef"));
}

TEST(GitSource, ASecretIsNotSentInTheClear) {
  EXPECT_THAT(Wrong({"http://host/x", "", ""}, true), HasSubstr("in the clear"));
  EXPECT_EQ(Wrong({"http://host/x", "", ""}), "");
}

TEST(GitSource, TheHostIsWhatIsLoggedInTo) {
  EXPECT_EQ(GitHostOf("https://example.com:8443/a/b"), "example.com:8443");
  EXPECT_EQ(GitHostOf("ssh://git@example.com/a"), "example.com");
  EXPECT_EQ(GitHostOf("git@example.com:a/b"), "example.com");
}

TEST(GitSource, OnlyAWholeCommitIdNeverChanges) {
  EXPECT_TRUE(IsCommitId(std::string(40, 'a')));
  EXPECT_TRUE(IsCommitId(std::string(64, '0')));
  EXPECT_FALSE(IsCommitId("deadbeef"));
  EXPECT_FALSE(IsCommitId(std::string(40, 'g')));
  EXPECT_FALSE(IsCommitId(""));
}

}  // namespace
}  // namespace penstock

#include "operator/protocol/requirements.h"

#include <gmock/gmock.h>

namespace penstock {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Said(const std::string& text) { return Describe(CheckRequirements(text)); }

TEST(Requirements, WhatPipCompileAndPipFreezeWriteIsALock) {
  const std::string hash = " \\\n    --hash=sha256:" + std::string(64, 'a');
  EXPECT_EQ(Said("numpy==1.26.4\npandas == 2.2.0  # via x\n\n# a comment\n"), "");
  EXPECT_EQ(Said("numpy==1.26.4" + hash + hash + "\n    # via pandas\npandas==2.2.0" + hash + "\n"),
            "");
  EXPECT_EQ(Said("uvicorn[standard]==0.30.1\r\ncolorama==0.4.6 ; sys_platform == \"win32\"\r\n"),
            "");
  EXPECT_EQ(Said("torch===2.4.0+cpu\n--only-binary :all:\n--require-hashes\n"), "");
  EXPECT_EQ(Said("a_b.c-d==2!1.0.post1"), "");
}

TEST(Requirements, ALineThatIsNotPinnedIsNamedWithWhatToWrite) {
  const std::string said = Said("numpy==1.26.4\n\nrequests>=2,<3\nsix\nattrs==23.*\n");
  EXPECT_THAT(said, HasSubstr("line 3: 'requests>=2,<3' is not pinned; write requests==VERSION"));
  EXPECT_THAT(said, HasSubstr("line 4: 'six' is not pinned; write six==VERSION"));
  EXPECT_THAT(said, HasSubstr("line 5: 'attrs==23.*' is not pinned"));
  EXPECT_THAT(said, Not(HasSubstr("line 1")));
  EXPECT_THAT(Said("a==1,!=2"), HasSubstr("is not pinned"));
  EXPECT_THAT(Said("a=="), HasSubstr("is not pinned"));
}

TEST(Requirements, ALineThatGoesOnBehindABackslashCountsByItsFirst) {
  EXPECT_THAT(Said("a==1 \\\n  --hash=sha256:0\nb \\\n  --hash=sha256:0\n"),
              HasSubstr("line 3: 'b' is not pinned"));
}

TEST(Requirements, WhatIsNoPackageOfAnIndexIsRefused) {
  for (const char* line : {"./wheels/a-1-py3-none-any.whl", "https://h/a-1.whl", "a @ https://h/a",
                           "git+https://h/a", "/wheels/a.whl", "a/b.whl"})
    EXPECT_THAT(Said(line), HasSubstr("no package of an index; write name==version")) << line;
  EXPECT_THAT(Said("-e ."), HasSubstr("-e: only packages of an index"));
  EXPECT_THAT(Said("-r base.txt"), HasSubstr("-r: a lock is one file"));
  EXPECT_THAT(Said("a==1 --config-settings=x=y"), HasSubstr("--config-settings: behind"));
}

TEST(Requirements, OptionsThatSayHowAndNotWhichStandAloneAndInFull) {
  EXPECT_EQ(Said("--pre\n--prefer-binary\n--require-hashes\n--only-binary one,two\n"
                 "--no-binary=:none:\none==1 --hash=sha256:0\n"),
            "");
  EXPECT_THAT(Said("--pre -r other.txt\none==1"), HasSubstr("line 1: --pre: stands alone"));
  EXPECT_THAT(Said("--prefer-binary --index-url=https://h\none==1"), HasSubstr("line 1: "));
  EXPECT_THAT(Said("--only-binary :all: -f https://h\none==1"), HasSubstr("line 1: "));
  EXPECT_THAT(Said("--only-binary\none==1"), HasSubstr("with names of packages, :all: or :none:"));
  EXPECT_THAT(Said("--only-binary -r\none==1"), HasSubstr("line 1: "));
  EXPECT_THAT(Said("--no-binary=\"x -r y\"\none==1"), HasSubstr("line 1: "));
  EXPECT_THAT(Said("--extra-index https://h\none==1"), HasSubstr("is no option")) << "cut short";
  EXPECT_THAT(Said("--prex\none==1"), HasSubstr("--prex: is no option"));
}

TEST(Requirements, OptionsBehindAMarkerAreRefusedShortOnesToo) {
  for (const char* option : {"-r other.txt", "-rother.txt", "-i https://h", "-e .", "--no-deps",
                             "--hash=\"sha256:0\"", "--hash=sha256:0=-r", "--hash sha256"})
    EXPECT_THAT(Said(std::string("one==1 ; python_version > \"3\" ") + option),
                HasSubstr("behind a requirement stands --hash=sha256:DIGEST only"))
        << option;
  EXPECT_EQ(Said("one==1 ; python_version > \"3\" --hash=sha256:0"), "");
}

TEST(Requirements, AFileThatIsNamedLikeAVersionIsNone) {
  EXPECT_THAT(Said("one==1.0.zip"), HasSubstr("is not pinned"));
  EXPECT_THAT(Said("one==1.0.tar.gz"), HasSubstr("is not pinned"));
}

TEST(Requirements, ACommentWithABackslashHidesNoLine) {
  EXPECT_THAT(Said("  # note \\\ntwo\none==1"), HasSubstr("line 2: 'two' is not pinned"));
  EXPECT_THAT(Said("# note \\\ntwo\none==1"), HasSubstr("line 2: 'two' is not pinned"));
  EXPECT_THAT(Said("one==1 # note \\\ntwo"),
              HasSubstr("line 1: its comment ends with a backslash"));
}

TEST(Requirements, LinesAreJoinedAsPipJoinsThem) {
  EXPECT_EQ(Said("one==1.\\\n2\n"), "");
  EXPECT_THAT(Said("one==1\\\n--hash=sha256:0\n"), HasSubstr("line 1: ")) << "no space between";
  EXPECT_EQ(Said("one==1 \\\\\n --hash=sha256:0\n"), "") << "all backslashes go";
}

TEST(Requirements, WhatEndsALineForPythonAloneIsRefused) {
  for (const char* unseen : {"\v", "\f", "\x1c", "\x1d", "\x1e", "\x7f", "\xc2\x85", "\xc2\x9b",
                             "\xe2\x80\xa8", "\xe2\x80\xa9", "\r"})
    EXPECT_THAT(Said(std::string("one==1\n# note") + unseen + "two"),
                HasSubstr("line 2: holds a control character or a line separator"));
  EXPECT_EQ(Said("one==1\r\n\ttwo==2\t# n\xc3\xa4her\r\n"), "");
  EXPECT_THAT(Said("one==1 # \xff"), HasSubstr("is no UTF-8"));
}

TEST(Requirements, AFileIsUtf8WithItsMarkOrWithoutAndNamesNoOtherEncoding) {
  EXPECT_EQ(Said("\xEF\xBB\xBFone==1\n"), "");
  EXPECT_THAT(Said("\xEF\xBB\xBFone\n"), HasSubstr("line 1: 'one' is not pinned"));
  EXPECT_THAT(Said("# -*- coding: utf-7 -*-\none==1\n"), HasSubstr("names an encoding"));
}

TEST(Requirements, NothingIsTakenFromTheEnvironment) {
  EXPECT_THAT(Said("one==1 ; python_version > \"${X}\""), HasSubstr("write it out"));
}

TEST(Requirements, AnIndexIsTheEnvironmentsToSayAndItsPasswordIsNotRepeated) {
  for (const char* line :
       {"--index-url https://u:secret@h/simple", "-i https://u:secret@h/simple",
        "-ihttps://u:secret@h", "--extra-index-url=https://u:secret@h/simple",
        "a @ https://u:secret@h/a.whl", "https://u:secret@h/a.whl", "--odd=secret"}) {
    EXPECT_THAT(Said(line), HasSubstr("line 1: ")) << line;
    EXPECT_THAT(Said(line), Not(HasSubstr("secret"))) << line;
  }
  EXPECT_THAT(Said("-i https://h"), HasSubstr("PIP_INDEX_URL"));
}

TEST(Requirements, HashesAreForAllOrNone) {
  EXPECT_THAT(Said("a==1 --hash=sha256:0\nb==2\n"), HasSubstr("line 2: has no --hash"));
}

TEST(Requirements, AFileWithoutPackagesIsNoLock) {
  EXPECT_THAT(Said("# nothing\n"), HasSubstr("names no package"));
  EXPECT_THAT(Said(""), HasSubstr("names no package"));
  EXPECT_THAT(Said(std::string(kMaxRequirementsBytes + 1, 'a')), HasSubstr("over 256 KiB"));
  EXPECT_THAT(Said(std::string("a==1\0b", 6)), HasSubstr("NUL"));
}

TEST(Requirements, ALongListOfComplaintsIsCut) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "a\n";
  EXPECT_THAT(Said(text), HasSubstr("line 10: "));
  EXPECT_THAT(Said(text), Not(HasSubstr("line 11: ")));
  EXPECT_THAT(Said(text), HasSubstr("; and 20 more"));
}

TEST(Requirements, AFileOutsideOfTheFolderIsRefused) {
  for (const char* path : {"requirements.lock", "a/b.txt", "./x.txt"})
    EXPECT_FALSE(CheckRequirementsPath(path)) << path;
  for (const char* path :
       {"", ".", "/etc/x", "../x", "a/../../x", "folder/", "a\nb", ".git/config"})
    EXPECT_TRUE(CheckRequirementsPath(path)) << path;
}

}  // namespace
}  // namespace penstock

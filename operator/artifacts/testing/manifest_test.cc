#include "operator/artifacts/manifest.h"

#include <gtest/gtest.h>

#include <fstream>

#include "operator/base/json.h"

namespace penstock::artifacts {
namespace {

const std::string kHex(64, 'a');

Json File(const std::string& path) { return {{"path", path}, {"size", 3}, {"sha256", kHex}}; }

std::string Text(const std::vector<Json>& files) {
  return Json{{"version", 1}, {"files", files}}.dump();
}

std::string ErrorOf(const std::string& text) {
  auto m = ParseManifest(text);
  return m ? "" : m.error().message;
}

TEST(Manifest, ReadsWhatItWrote) {
  Manifest m;
  m.files = {{"a", 3, kHex, true, {}}, {"b/c.csv", kBlockBytes + 1, kHex, false, {kHex, kHex}}};
  auto back = ParseManifest(FormatManifest(m));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(FormatManifest(*back), FormatManifest(m));
  EXPECT_EQ(back->Bytes(), kBlockBytes + 4);
  EXPECT_TRUE(back->files[0].executable);
}

TEST(Manifest, RefusesPathsThatLeaveTheFolder) {
  for (const char* path :
       {"/etc/passwd", "../a", "a/../../b", "a/./b", "", "a//b", "a/", ".", ".."})
    EXPECT_NE(ErrorOf(Text({File(path)})).find("not allowed"), std::string::npos) << path;
  EXPECT_NE(ErrorOf(Text({File(std::string("a\0b", 3))})), "");
  EXPECT_NE(ErrorOf(Text({File(std::string(300, 'x'))})), "");
}

TEST(Manifest, RefusesDuplicatesDisorderAndAFileThatIsAFolder) {
  EXPECT_NE(ErrorOf(Text({File("a"), File("a")})).find("twice"), std::string::npos);
  EXPECT_NE(ErrorOf(Text({File("b"), File("a")})).find("sorted"), std::string::npos);
  EXPECT_NE(ErrorOf(Text({File("a"), File("a-b"), File("a/b")})).find("file and a folder"),
            std::string::npos);
  EXPECT_EQ(ErrorOf(Text({File("a-b"), File("a/b")})), "");
}

TEST(Manifest, RefusesSizesAndBlocksThatDisagree) {
  Json big = File("a");
  big["size"] = kBlockBytes + 1;
  EXPECT_NE(ErrorOf(Text({big})).find("0 blocks"), std::string::npos);
  big["blocks"] = {kHex, kHex, kHex};
  EXPECT_NE(ErrorOf(Text({big})).find("3 blocks"), std::string::npos);
  big["blocks"] = {kHex, "zz"};
  EXPECT_NE(ErrorOf(Text({big})), "");
  Json negative = File("a");
  negative["size"] = -1;
  EXPECT_NE(ErrorOf(Text({negative})), "");
  Json huge = File("a");
  huge["size"] = std::uint64_t{1} << 60;
  EXPECT_NE(ErrorOf(Text({huge})), "");
}

TEST(Manifest, RefusesOtherShapes) {
  for (const char* text : {"", "[]", "{}", R"({"version":2,"files":[]})", R"({"version":1})",
                           R"({"version":1,"files":{}})", R"({"version":1,"files":[1]})",
                           R"({"version":1,"files":[{"path":1,"size":1,"sha256":""}]})"})
    EXPECT_NE(ErrorOf(text), "") << text;
}

TEST(DigestFile, GivesADigestPerBlockAboveOneBlock) {
  const std::string path = testing::TempDir() + "/digest_file";
  std::string bytes(kBlockBytes, 'x');
  std::ofstream(path) << bytes;
  auto one = DigestFile(path);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->sha256, Sha256Hex(bytes));
  EXPECT_TRUE(one->blocks.empty());
  std::ofstream(path) << bytes << "y";
  auto two = DigestFile(path);
  ASSERT_TRUE(two);
  EXPECT_EQ(two->sha256, Sha256Hex(bytes + "y"));
  EXPECT_EQ(two->blocks, (std::vector<std::string>{Sha256Hex(bytes), Sha256Hex("y")}));
  EXPECT_EQ(two->size, kBlockBytes + 1);
}

}  // namespace
}  // namespace penstock::artifacts

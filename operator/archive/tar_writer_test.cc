#include "operator/archive/tar_writer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "operator/archive/tar_reader.h"

namespace penstock::archive {
namespace {

// Path -> size, and what came of the content.
std::map<std::string, std::pair<std::uint64_t, std::string>> ReadAll(const std::string& tar) {
  std::map<std::string, std::pair<std::uint64_t, std::string>> files;
  std::string now;
  TarReader reader({.begin = [&](const TarEntry& entry) -> Result<void> {
                      now = entry.path;
                      files[now].first = entry.size;
                      return {};
                    },
                    .data = [&](std::string_view bytes) -> Result<void> {
                      files[now].second += bytes;
                      return {};
                    },
                    .end = []() -> Result<void> { return {}; }});
  const auto read = reader.Write(tar);
  EXPECT_TRUE(read) << read.error().message;
  return files;
}

std::string Written(const std::map<std::string, std::string>& files) {
  std::string tar;
  TarWriter writer([&](std::string_view bytes) -> Result<void> {
    tar += bytes;
    return {};
  });
  for (const auto& [path, text] : files) {
    EXPECT_TRUE(writer.Begin(path, text.size()));
    EXPECT_TRUE(writer.Write(text));
  }
  EXPECT_TRUE(writer.Finish());
  return tar;
}

TEST(TarWriter, IsReadBackAndBySystemsTar) {
  const std::map<std::string, std::string> files{{"a.json", "{}"},
                                                 {"blobs/empty", ""},
                                                 {"blobs/full", std::string(512, 'x')},
                                                 {"blobs/more", std::string(513, 'y')}};
  const std::string tar = Written(files);
  EXPECT_EQ(tar.size() % 512, 0U);
  const auto read = ReadAll(tar);
  ASSERT_EQ(read.size(), files.size());
  for (const auto& [path, text] : files) EXPECT_EQ(read.at(path).second, text) << path;
  const auto file = std::filesystem::path(testing::TempDir()) / "writer.tar";
  std::ofstream(file, std::ios::binary) << tar;
  EXPECT_EQ(std::system(("tar -tf " + file.string() + " > " + file.string() + ".list").c_str()), 0);
  std::ifstream list(file.string() + ".list");
  std::string names, line;
  while (std::getline(list, line)) names += line + ",";
  EXPECT_EQ(names, "a.json,blobs/empty,blobs/full,blobs/more,");
}

TEST(TarWriter, SaysTheSizeOfAFileOfOver8GiBByPax) {
  std::string tar;
  TarWriter writer([&](std::string_view bytes) -> Result<void> {
    tar += bytes;
    return {};
  });
  ASSERT_TRUE(writer.Begin("large", 9ULL << 30));
  EXPECT_EQ(ReadAll(tar).at("large").first, 9ULL << 30);
}

TEST(TarWriter, HoldsAFileToTheBytesThatWereSaid) {
  TarWriter writer([](std::string_view) -> Result<void> { return {}; });
  ASSERT_TRUE(writer.Begin("a", 3));
  EXPECT_FALSE(writer.Write("more"));
  ASSERT_TRUE(writer.Write("ab"));
  EXPECT_FALSE(writer.Begin("b", 1));
  EXPECT_FALSE(writer.Finish());
  ASSERT_TRUE(writer.Write("c"));
  EXPECT_TRUE(writer.Finish());
  EXPECT_FALSE(writer.Begin("", 1));
  EXPECT_FALSE(writer.Begin(std::string(101, 'p'), 1));
}

}  // namespace
}  // namespace penstock::archive

// What is said of a digest that names no folder.
#include "operator/sources/code_artifact.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"

namespace penstock::sources {
namespace {

using ::testing::HasSubstr;

TEST(FindCode, SaysOfASingleFileThatAModelIsAFolderToo) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "find_code_of_a_file";
  ASSERT_TRUE(WriteFileAtomically(folder / "in" / "model.pt", "weights"));
  const artifacts::Store store(folder / "store");
  const auto file = store.Put("ns", folder / "in" / "model.pt");
  ASSERT_TRUE(file) << file.error().message;
  const auto found = FindCode(store, "ns", file->digest);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(found.error().message, HasSubstr("is a single file; code and models are folders"));
  EXPECT_TRUE(artifacts::RemoveTree(folder));
}

TEST(FindLock, IsTheFileOfTheFolderOrWhatIsWrongWithIt) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "find_lock_in_a_folder";
  for (const auto& [name, text] : {std::pair{"good.txt", "six==1.16.0\n"},
                                   {"sub/good.txt", "six==1.15.0\n"},
                                   {"bad.txt", "six\nnumpy>1\n"}})
    ASSERT_TRUE(WriteFileAtomically(folder / "in" / name, text));
  const artifacts::Store store(folder / "store");
  const auto code = store.Put("ns", folder / "in");
  ASSERT_TRUE(code) << code.error().message;
  const auto lock = FindLock(store, "ns", *code, "./sub/good.txt");
  ASSERT_TRUE(lock) << lock.error().message;
  EXPECT_FALSE(lock->folder);
  EXPECT_EQ(*ReadFile(*store.BlobPath("ns", lock->digest)), "six==1.15.0\n");
  EXPECT_THAT(FindLock(store, "ns", *code, "gone.txt").error().message,
              HasSubstr("requirements.file: 'gone.txt': the code has no such file"));
  const auto bad = FindLock(store, "ns", *code, "bad.txt");
  EXPECT_EQ(bad.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(bad.error().message, HasSubstr("line 1: 'six' is not pinned"));
  EXPECT_THAT(bad.error().message, HasSubstr("line 2: 'numpy>1' is not pinned"));
  EXPECT_TRUE(artifacts::RemoveTree(folder));
}

}  // namespace
}  // namespace penstock::sources

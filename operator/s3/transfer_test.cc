#include "operator/s3/transfer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::s3 {
namespace {
namespace fs = std::filesystem;

class S3Transfer : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::string bytes(13UL << 20, '\0');  // three parts of 5 MiB at least
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 977);
    digest_ = Sha256Hex(bytes);
    ASSERT_TRUE(WriteFileAtomically(file_, bytes));
    options_.part_bytes = kMinPart;
    options_.with_crc32c = true;
    options_.only_new = true;
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::size_t Sent(const std::string& part) const {
    const auto log = store_.log();
    return static_cast<std::size_t>(std::count(log.begin(), log.end(), part));
  }

  const fs::path folder_ =
      fs::path(testing::TempDir()) /
      (std::string("transfer_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  const fs::path file_ = folder_ / "file";
  std::string digest_;
  FakeS3 store_;
  std::unique_ptr<Client> client_ = store_.MakeClient();
  TransferOptions options_;
};

TEST_F(S3Transfer, BringsALargeFileInPartsAndBackInRanges) {
  const auto put = PutFile(*client_, "k", file_, options_);
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_TRUE(*put);
  EXPECT_EQ(Sha256Hex(*store_.Bytes("k")), digest_);
  EXPECT_EQ(Sent("PUT k?partNumber=3"), 1u);
  EXPECT_EQ(store_.uploads(), 0u);
  ASSERT_TRUE(GetFile(*client_, "k", 13UL << 20, folder_ / "back", options_));
  EXPECT_EQ(Sha256Hex(*ReadFile(folder_ / "back")), digest_);
  const auto again = PutFile(*client_, "k", file_, options_);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(*again) << "the key was taken";
  EXPECT_EQ(store_.uploads(), 0u) << "what was uploaded for nothing was given up";
}

TEST_F(S3Transfer, GoesOnWithTheUploadThatBrokeAndSendsNoPartTwice) {
  for (const bool crc : {true, false}) {
    options_.with_crc32c = crc;
    options_.workers = 1;
    const std::string key = crc ? "a" : "b";
    store_.OnRequest(
        [&](const std::string& method, const std::string& k) -> std::optional<FakeFault> {
          const bool third = method == "PUT" && Sent("PUT " + k + "?partNumber=3") > 0;
          return third ? std::optional(FakeFault{}) : std::nullopt;
        });
    EXPECT_FALSE(PutFile(*client_, key, file_, options_));
    EXPECT_FALSE(store_.Bytes(key)) << "nobody sees a part of it";
    EXPECT_EQ(store_.uploads(), 1u);
    store_.OnRequest({});
    const auto put = PutFile(*client_, key, file_, options_);
    ASSERT_TRUE(put) << put.error().message;
    EXPECT_EQ(Sha256Hex(*store_.Bytes(key)), digest_);
    EXPECT_EQ(store_.uploads(), 0u);
    if (crc) {
      EXPECT_EQ(Sent("PUT a?partNumber=1"), 1u);
    }
  }
}

TEST_F(S3Transfer, BringsALargeFileWhereUploadsMayNotBeListed) {
  store_.OnRequest([](const std::string& method,
                      const std::string& key) -> std::optional<FakeFault> {
    const bool lists = method == "GET" && key.empty();
    return lists ? std::optional(FakeFault{.status = 403, .code = "AccessDenied"}) : std::nullopt;
  });
  const auto put = PutFile(*client_, "k", file_, options_);
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(Sha256Hex(*store_.Bytes("k")), digest_);
}

TEST_F(S3Transfer, SendsAPartAgainThatAnOlderFileLeft) {
  const auto id = client_->BeginUpload("k", true, {});
  ASSERT_TRUE(id);
  const std::string other(kMinPart, 'x');
  ASSERT_TRUE(client_->PutPart("k", *id, 1, BodyOf(other), "", {}));
  ASSERT_TRUE(PutFile(*client_, "k", file_, options_));
  EXPECT_EQ(Sha256Hex(*store_.Bytes("k")), digest_);
}

TEST_F(S3Transfer, LeavesNothingBehindWhereTheStoreHasNoRoom) {
  FakeS3 small({.quota = 8UL << 20});
  const auto put = PutFile(*small.MakeClient(), "k", file_, options_);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kNoSpace);
  EXPECT_TRUE(small.Keys().empty());
  EXPECT_EQ(small.uploads(), 0u) << "its parts would take what room there is";
}

TEST_F(S3Transfer, LeavesNoFileBehindADownloadThatFailed) {
  store_.SetBytes("k", std::string(13UL << 20, 'a'));
  store_.OnRequest([](const std::string& method, const std::string&) -> std::optional<FakeFault> {
    return method == "GET" ? std::optional(FakeFault{.status = 403, .code = "AccessDenied"})
                           : std::nullopt;
  });
  EXPECT_FALSE(GetFile(*client_, "k", 13UL << 20, folder_ / "back", options_));
  EXPECT_FALSE(fs::exists(folder_ / "back"));
}

TEST_F(S3Transfer, BringsAnEmptyFile) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "empty", ""));
  ASSERT_TRUE(PutFile(*client_, "e", folder_ / "empty", options_));
  EXPECT_EQ(store_.Bytes("e"), "");
  ASSERT_TRUE(GetFile(*client_, "e", 0, folder_ / "e", options_));
  EXPECT_TRUE(fs::exists(folder_ / "e"));
}

}  // namespace
}  // namespace penstock::s3

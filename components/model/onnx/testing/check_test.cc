// Files are encoded here, field by field: nothing in them is more than a name.
#include "components/model/onnx/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace penstock::model {
namespace {

using testing::HasSubstr;

std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>((value & 0x7FU) | 0x80U);
  return bytes + static_cast<char>(value);
}
std::string Field(int number, const std::string& bytes) {
  return Varint(std::uint64_t(number) << 3U | 2U) + Varint(bytes.size()) + bytes;
}
std::string Entry(const std::string& key, const std::string& value) {
  return Field(13, Field(1, key) + Field(2, value));
}
// of ModelProto, GraphProto, NodeProto
std::string Model(const std::string& graph) { return Varint(8) + Varint(8) + Field(7, graph); }
std::string Node(const std::string& domain, const std::string& op, const std::string& more = "") {
  return Field(1, Field(1, "x") + Field(2, "y") + Field(4, op) + Field(7, domain) + more);
}
std::string Weights(const std::string& location, const std::string& more = "") {
  return Field(5, Field(8, "w") + Entry("location", location) + more);
}

std::string Problem(const std::string& bytes) {
  const auto read = ReadOnnx(bytes, "m.onnx");
  return read ? "" : read.error().message;
}

TEST(OnnxCheck, TakesTheOperatorsThatTheRuntimeHasBuiltIn) {
  EXPECT_EQ(Problem(Model(Node("", "Add") + Node("ai.onnx", "Add") + Node("ai.onnx.ml", "Scaler") +
                          Node("com.microsoft", "FusedMatMul"))),
            "");
}

TEST(OnnxCheck, RefusesAnOperatorOfAnotherDomainByName) {
  EXPECT_THAT(Problem(Model(Node("my.ops", "Launch"))),
              HasSubstr("m.onnx uses the operator 'Launch' of the domain 'my.ops'"));
  // of two domains the last one counts, as protobuf has it
  EXPECT_THAT(Problem(Model(Node("", "Launch", Field(7, "my.ops")))), HasSubstr("'my.ops'"));
}

TEST(OnnxCheck, LooksIntoTheGraphsOfBranchesAndFunctions) {
  const std::string inner = Field(6, Node("my.ops", "Launch"));    // AttributeProto.g
  const std::string listed = Field(11, Node("my.ops", "Launch"));  // AttributeProto.graphs
  EXPECT_THAT(Problem(Model(Node("", "If", Field(5, inner)))), HasSubstr("'my.ops'"));
  EXPECT_THAT(Problem(Model(Node("", "If", Field(5, listed)))), HasSubstr("'my.ops'"));
  const std::string body = Field(7, Field(4, "Launch") + Field(7, "my.ops"));
  EXPECT_THAT(Problem(Model("") + Field(25, Field(1, "F") + Field(10, "mine") + body)),
              HasSubstr("'my.ops'"));
  EXPECT_THAT(Problem(Model("") + Field(20, Field(1, Node("my.ops", "Launch")))),
              HasSubstr("'my.ops'"));
}

TEST(OnnxCheck, TakesAFunctionThatTheFileDefines) {
  const std::string body = Field(7, Field(4, "Add"));
  const std::string function = Field(25, Field(1, "Double") + Field(10, "mine") + body);
  EXPECT_EQ(Problem(Model(Node("mine", "Double")) + function), "");
  EXPECT_THAT(Problem(Model(Node("mine", "Triple")) + function), HasSubstr("'Triple'"));
}

TEST(OnnxCheck, FindsExternalDataWhereverATensorMayBe) {
  const std::string tensor =
      Field(8, "w") + Entry("location", "a") + Entry("offset", "4") + Entry("length", "8");
  const auto found = [](const std::string& bytes) {
    const auto read = ReadOnnx(bytes, "m.onnx");
    EXPECT_TRUE(read) << read.error().message;
    return read && read->size() == 1
               ? read->front().location + " " + read->front().offset + " " + read->front().length
               : "none or several";
  };
  EXPECT_EQ(found(Model(Field(5, tensor))), "a 4 8");
  EXPECT_EQ(found(Model(Field(15, Field(1, tensor)))), "a 4 8");  // sparse values
  EXPECT_EQ(found(Model(Field(15, Field(2, tensor)))), "a 4 8");  // and indices
  for (const int field : {5, 10}) {                               // t, tensors
    EXPECT_EQ(found(Model(Node("", "Constant", Field(5, Field(field, tensor))))), "a 4 8");
  }
  for (const int field : {22, 23}) {  // sparse_tensor, sparse_tensors
    EXPECT_EQ(found(Model(Node("", "Constant", Field(5, Field(field, Field(1, tensor)))))),
              "a 4 8");
  }
}

TEST(OnnxCheck, LooksAtBothOfTwoLocations) {
  const auto read = ReadOnnx(Model(Weights("a", Entry("location", "../b"))), "m.onnx");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].location, "a");
  EXPECT_EQ((*read)[1].location, "../b");
}

TEST(OnnxCheck, RefusesWhatIsNoOnnx) {
  EXPECT_THAT(Problem(""), HasSubstr("is no ONNX model"));
  EXPECT_THAT(Problem("PK\x03\x04"), HasSubstr("is no ONNX model"));
  EXPECT_THAT(Problem(Varint(8) + Varint(8)), HasSubstr("is no ONNX model"));  // without a graph
  EXPECT_THAT(Problem(Model(Node("", "Add")).substr(0, 9)), HasSubstr("is no ONNX model"));
  EXPECT_THAT(Problem("\x7A" + Varint(1ULL << 40U)), HasSubstr("is no ONNX model"));
  EXPECT_THAT(Problem(std::string("\x1C\0\0\0ORTM", 8)), HasSubstr("(.ort)"));
}

TEST(OnnxCheck, RefusesGraphsWithinGraphsWithoutEnd) {
  std::string graph;
  for (int depth = 0; depth < 20; ++depth) graph = Node("", "If", Field(5, Field(6, graph)));
  EXPECT_EQ(Problem(Model(graph)), "");
  for (int depth = 0; depth < 20; ++depth) graph = Node("", "If", Field(5, Field(6, graph)));
  EXPECT_THAT(Problem(Model(graph)), HasSubstr("is no ONNX model"));
}

class OnnxFiles : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "onnx." + std::to_string(getpid());
    std::filesystem::create_directories(root_ + "/model/sub");
    std::ofstream(root_ + "/outside.bin") << "12345678";
    std::ofstream(root_ + "/model/weights.bin") << "12345678";
    std::filesystem::create_symlink("../outside.bin", root_ + "/model/link.bin");
    std::filesystem::create_symlink("weights.bin", root_ + "/model/own.bin");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string Check(const std::string& location, const std::string& more = "",
                    const std::string& name = "model.onnx") {
    const std::string path = root_ + "/model/" + name;
    std::ofstream(path, std::ios::binary) << Model(Weights(location, more));
    const auto checked = CheckOnnx(path);
    return checked ? "" : checked.error().message;
  }

  std::string root_;
};

TEST_F(OnnxFiles, MayKeepWeightsInAFileOfTheFolder) {
  EXPECT_EQ(Check("weights.bin"), "");
  EXPECT_EQ(Check("./weights.bin", Entry("offset", "4") + Entry("length", "4")), "");
  EXPECT_EQ(Check("own.bin"), "");
}

TEST_F(OnnxFiles, AreRefusedWithWeightsOutsideTheFolder) {
  for (const std::string& location :
       {std::string("../outside.bin"), std::string("sub/../../outside.bin"), std::string("sub/.."),
        root_ + "/model/weights.bin", std::string("/etc/hostname"), std::string("link.bin")}) {
    const std::string problem = Check(location);
    EXPECT_THAT(problem, HasSubstr("model.onnx: it keeps weights in '" + location + "'"));
    EXPECT_THAT(problem, HasSubstr("no file within the model's folder")) << location;
  }
  // the name says nothing
  EXPECT_THAT(Check("../outside.bin", "", "weights.ubj"), HasSubstr("no file within"));
}

// To the runtime such a name is an address in its own memory.
TEST_F(OnnxFiles, AreRefusedWithWeightsInTheRuntimesMemory) {
  std::filesystem::create_directories(root_ + "/model/*/_ORT_MEM_ADDR_");
  std::ofstream(root_ + "/model/*/_ORT_MEM_ADDR_/*") << "12345678";
  EXPECT_THAT(Check("*/_ORT_MEM_ADDR_/*"), HasSubstr("no file within the model's folder"));
}

TEST_F(OnnxFiles, AreRefusedWithWeightsThatAreNotThereOrCutShort) {
  EXPECT_THAT(Check("weights.dat"), HasSubstr("'weights.dat', which is not there"));
  EXPECT_THAT(Check("sub", Entry("length", "1")), HasSubstr("beyond its 0 bytes"));
  EXPECT_THAT(Check("weights.bin", Entry("offset", "4") + Entry("length", "5")),
              HasSubstr("beyond its 8 bytes"));
  EXPECT_THAT(Check("weights.bin", Entry("offset", "18446744073709551615") + Entry("length", "9")),
              HasSubstr("beyond its 8 bytes"));
  EXPECT_THAT(Check("weights.bin", Entry("offset", "-1")), HasSubstr("beyond its 8 bytes"));
}

TEST(OnnxCheckFile, NamesAFileThatIsNotThere) {
  const auto checked = CheckOnnx("/nowhere/model.onnx");
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("/nowhere/model.onnx"));
}

}  // namespace
}  // namespace penstock::model

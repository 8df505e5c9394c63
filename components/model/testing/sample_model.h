// Small model folders, written with LibTorch itself, for tests and benchmarks. Deterministic.
#pragma once

#include <cstdint>
#include <string>

namespace penstock::model {

// x float32 [-1, 64] -> y float32 [-1, 10]: 64-hidden-hidden-10 with ReLU; three examples.
void WriteMlp(const std::string& folder, std::int64_t hidden = 256);

// The same network and examples, stored as network.json and weights.safetensors.
void WriteLayerMlp(const std::string& folder);

// Columns carrier (string), distance (float64), 날씨 (string, takes no nulls), hour (int64)
// -> probability, label ("late" or "on time"); four examples.
void WriteColumns(const std::string& folder);

// x float32 [-1, 3, 224, 224] -> y float32 [-1, 10] of the three means: mostly transport; no
// examples.
void WriteImage(const std::string& folder);

// x float32 [-1, 2] -> y = x * 2, and an exception when any x exceeds 1000; no examples.
void WriteTouchy(const std::string& folder);

// Changes the expected outputs of the second example of a folder written by WriteMlp.
void BreakSecondExample(const std::string& folder);

}  // namespace penstock::model

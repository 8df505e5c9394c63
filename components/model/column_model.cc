#include "components/model/column_model.h"

#include <algorithm>
#include <utility>

namespace penstock::model {
namespace {

Datatype DatatypeOf(sdk::ColumnType type) {
  switch (type) {
    case sdk::ColumnType::kInt64:
      return Datatype::kInt64;
    case sdk::ColumnType::kFloat64:
      return Datatype::kFp64;
    case sdk::ColumnType::kBool:
      return Datatype::kBool;
    default:
      return Datatype::kBytes;  // text; a timestamp may come as INT64 too
  }
}

Datatype DatatypeOf(const std::string& output_type) {
  if (output_type == "string") return Datatype::kBytes;
  if (output_type == "bool") return Datatype::kBool;
  if (output_type == "int64") return Datatype::kInt64;
  return Datatype::kFp32;
}

Signature SignatureOf(const sdk::ModelManifest& manifest, const sdk::Transform& transform) {
  Signature signature;
  for (const sdk::Column& column : manifest.inputs) {
    InputSpec spec{column.name, DatatypeOf(column.type), {-1}, true, column.nullable};
    spec.is_time = column.type == sdk::ColumnType::kTimestamp;
    if (spec.datatype == Datatype::kBytes)
      spec.null_texts = transform.null_texts(signature.inputs.size());
    if (const auto bounds = manifest.bounds.find(column.name); bounds != manifest.bounds.end()) {
      spec.minimum = bounds->second.minimum;
      spec.maximum = bounds->second.maximum;
    }
    signature.inputs.push_back(std::move(spec));
  }
  for (const sdk::ModelOutput& output : manifest.outputs) {
    signature.outputs.push_back({output.name, DatatypeOf(output.type), output.shape});
  }
  return signature;
}

// Whatever a tensor may hold; bytes are BOOL's alone, which the caller has looked at.
void AddCell(std::vector<sdk::Cell>& cells, float value) {
  cells.emplace_back(static_cast<double>(value));
}
void AddCell(std::vector<sdk::Cell>& /*cells*/, std::uint8_t /*value*/) {}
template <typename T>
void AddCell(std::vector<sdk::Cell>& cells, const T& value) {
  cells.emplace_back(value);
}

std::vector<sdk::Cell> CellsOf(const InputTensor& input) {
  std::vector<sdk::Cell> cells;
  std::visit(
      [&](const auto& values) {
        cells.reserve(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (!input.nulls.empty() && input.nulls[i] != 0) {
            cells.emplace_back();
          } else if (input.datatype == Datatype::kBool) {
            if constexpr (std::is_same_v<std::decay_t<decltype(values[i])>, std::uint8_t>) {
              cells.emplace_back(values[i] != 0);
            }
          } else {
            AddCell(cells, values[i]);
          }
        }
      },
      input.data);
  return cells;
}

// The class of every row, as a tensor of the output's type.
Tensor Labels(const sdk::ModelManifest& manifest, const OutputSpec& spec,
              const std::vector<float>& raw, std::size_t rows) {
  Tensor labels{spec.name, spec.datatype, {static_cast<std::int64_t>(rows)}, {}};
  const std::size_t width = manifest.RawWidth();
  std::vector<std::string> texts;
  std::vector<std::int64_t> integers;
  std::vector<std::uint8_t> truths;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<const float> own(raw.data() + row * width, width);
    const Json& decided = manifest.classes[sdk::DecidedClass(manifest, own)];
    if (spec.datatype == Datatype::kBytes) {
      texts.push_back(decided.is_string() ? decided.get<std::string>() : decided.dump());
    } else if (spec.datatype == Datatype::kBool) {
      truths.push_back(decided.get<bool>() ? 1 : 0);
    } else {
      integers.push_back(decided.get<std::int64_t>());
    }
  }
  if (spec.datatype == Datatype::kBytes) {
    labels.data = std::move(texts);
  } else if (spec.datatype == Datatype::kBool) {
    labels.data = std::move(truths);
  } else {
    labels.data = std::move(integers);
  }
  return labels;
}

// A network of two classes may answer both probabilities: the second is the positive class's.
void TakePositive(Tensor* answer) {
  auto* values = std::get_if<std::vector<float>>(&answer->data);
  if (values == nullptr) return;
  const std::size_t rows = values->size() / 2;
  for (std::size_t row = 0; row < rows; ++row) (*values)[row] = (*values)[row * 2 + 1];
  values->resize(rows);
  answer->shape = {static_cast<std::int64_t>(rows)};
}

class ColumnModel : public Model {
 public:
  ColumnModel(sdk::ModelManifest manifest, sdk::Transform transform,
              std::unique_ptr<Backend> backend)
      : manifest_(std::move(manifest)),
        transform_(std::move(transform)),
        backend_(std::move(backend)),
        signature_(SignatureOf(manifest_, transform_)) {}

  const Signature& signature() const override { return signature_; }
  std::string platform() const override { return backend_->platform(); }
  [[nodiscard]] const sdk::ModelManifest& manifest() const { return manifest_; }

  Result<std::vector<Tensor>> Prepare(std::vector<InputTensor> inputs) const override {
    const std::size_t rows =
        inputs.empty() ? 0 : static_cast<std::size_t>(inputs.front().shape.front());
    const std::size_t width = transform_.width();
    std::vector<float> matrix(rows * width);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto applied = transform_.ApplyCells(i, CellsOf(inputs[i]), matrix.data());
      if (!applied) return applied.error();
    }
    std::vector<Tensor> prepared(1);
    prepared[0].shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)};
    prepared[0].data = std::move(matrix);
    return prepared;
  }

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& prepared) const override {
    auto raw = backend_->Run(prepared);
    if (!raw) return raw;
    const auto rows = static_cast<std::size_t>(prepared.front().shape.front());
    if (manifest_.IsBinary() && raw->size() == 1 &&
        raw->front().shape == Shape{static_cast<std::int64_t>(rows), 2}) {
      TakePositive(&raw->front());
    }
    if (raw->size() != 1 || !std::holds_alternative<std::vector<float>>(raw->front().data) ||
        raw->front().size() != rows * manifest_.RawWidth()) {
      return Internal("the network must answer one float32 tensor of " +
                      std::to_string(manifest_.RawWidth()) + " values a row, and answered shape " +
                      (raw->empty() ? "nothing" : FormatShape(raw->front().shape)));
    }
    sdk::Finish(manifest_, std::get<std::vector<float>>(raw->front().data));
    return raw;
  }

  Result<std::vector<Tensor>> Present(std::vector<Tensor> raw) const override {
    const auto& values = std::get<std::vector<float>>(raw.front().data);
    const std::size_t rows = values.size() / manifest_.RawWidth();
    std::vector<Tensor> outputs;
    for (const OutputSpec& spec : signature_.outputs) {
      if (spec.name == "label" && manifest_.task == sdk::ModelTask::kClassification) {
        outputs.push_back(Labels(manifest_, spec, values, rows));
        continue;
      }
      Tensor output{spec.name, spec.datatype, spec.shape, values};
      output.shape.front() = static_cast<std::int64_t>(rows);
      outputs.push_back(std::move(output));
    }
    return outputs;
  }

 private:
  const sdk::ModelManifest manifest_;
  const sdk::Transform transform_;
  const std::unique_ptr<Backend> backend_;
  const Signature signature_;
};

Result<void> CheckOutput(const sdk::ModelManifest& manifest, const OutputSpec& spec) {
  const std::string where = "output '" + spec.name + "' ";
  if (spec.name != "label" || manifest.task != sdk::ModelTask::kClassification) {
    Shape row = spec.shape;
    if (!row.empty()) row.front() = 1;
    const auto width = ElementCount(row);
    if (spec.datatype != Datatype::kFp32 || spec.shape.empty() || !width ||
        *width != static_cast<std::int64_t>(manifest.RawWidth())) {
      return Invalid(where + "must be float32 with " + std::to_string(manifest.RawWidth()) +
                     " values a row, not " + Name(spec.datatype) + " " + FormatShape(spec.shape));
    }
    return {};
  }
  for (const Json& value : manifest.classes) {
    const bool fits = spec.datatype == Datatype::kBytes ||
                      (spec.datatype == Datatype::kBool && value.is_boolean()) ||
                      (spec.datatype == Datatype::kInt64 && value.is_number_integer());
    if (!fits)
      return Invalid(where + "is " + Name(spec.datatype) + ", and class " + value.dump() +
                     " is not");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Model>> MakeColumnModel(sdk::ModelManifest manifest,
                                               sdk::Transform transform,
                                               std::unique_ptr<Backend> backend) {
  if (transform.width() != static_cast<std::size_t>(manifest.features)) {
    return Invalid("the transform makes " + std::to_string(transform.width()) +
                   " features, the model takes " + std::to_string(manifest.features));
  }
  if (backend->width() != 0 && backend->width() != manifest.features) {
    return Invalid("the network takes " + std::to_string(backend->width()) +
                   " features, the transform makes " + std::to_string(manifest.features));
  }
  bool same = transform.inputs().size() == manifest.inputs.size();
  for (std::size_t i = 0; same && i < manifest.inputs.size(); ++i) {
    same = transform.inputs()[i].name == manifest.inputs[i].name &&
           transform.inputs()[i].type == manifest.inputs[i].type;
  }
  if (!same) return Invalid("the transform's inputs are not the model's inputs");
  auto model =
      std::make_unique<ColumnModel>(std::move(manifest), std::move(transform), std::move(backend));
  for (const OutputSpec& output : model->signature().outputs) {
    if (auto checked = CheckOutput(model->manifest(), output); !checked) return checked.error();
  }
  return std::unique_ptr<Model>(std::move(model));
}

}  // namespace penstock::model

#include "components/predict/run.h"

#include <arrow/api.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "components/model/model_loader.h"
#include "components/predict/arrow_tensors.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::predict {
namespace {

struct Options {
  std::vector<std::string> keep;     // columns of the dataset; "*": all
  std::vector<std::string> outputs;  // of the model; empty: all
  std::string prefix;
  std::int64_t batch_rows = 4096;
};

Result<Options> ReadOptions(const sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  Options options;
  options.keep = p.Strings("keep", {"*"});
  options.outputs = p.Strings("outputs");
  options.prefix = p.String("prefix", "");
  options.batch_rows = p.Integer("batchRows", 4096, 1, 1'000'000);
  PENSTOCK_TRY(p.Finish());
  return options;
}

// What the model server runs, on one chunk of a batch after the other.
class Predictor {
 public:
  [[nodiscard]] static Result<Predictor> Load(const std::string& folder, Options options) {
    PENSTOCK_ASSIGN(const auto loaded, model::LoadModel(folder));
    if (auto right = model::CheckExamples(loaded, options.batch_rows); !right)
      return Wrap(folder, right.error());
    const model::Signature& signature = loaded.model->signature();
    if (!signature.batched) {
      return Invalid(folder + ": model.yaml names no batchAxis, so rows cannot be given to it");
    }
    Predictor predictor;
    PENSTOCK_ASSIGN(predictor.chosen_, model::SelectOutputs(signature, options.outputs));
    for (const std::size_t index : predictor.chosen_) {
      const model::OutputSpec& spec = signature.outputs[index];
      if (std::count(spec.shape.begin() + 1, spec.shape.end(), -1) > 0) {
        return Invalid("output '" + spec.name + "' has shape " + model::FormatShape(spec.shape) +
                       ", and a dataset's column needs a fixed one; leave it out by outputs");
      }
    }
    predictor.model_ = loaded.model;
    predictor.options_ = std::move(options);
    return predictor;
  }

  // What the dataset is read for: the model's inputs, then what is kept and is not among them.
  Result<std::vector<std::string>> ColumnsToRead(const arrow::Schema& dataset) {
    std::vector<std::string> columns;
    for (const model::InputSpec& spec : model_->signature().inputs) columns.push_back(spec.name);
    kept_ = options_.keep;
    if (kept_ == std::vector<std::string>{"*"}) kept_ = dataset.field_names();
    for (const std::string& name : kept_) {
      if (std::find(columns.begin(), columns.end(), name) == columns.end()) {
        columns.push_back(name);
      }
    }
    return columns;
  }

  // Of the predictions; `source` is the schema of the dataset's parts.
  Result<std::shared_ptr<arrow::Schema>> MakeSchema(const arrow::Schema& source) {
    arrow::FieldVector fields;
    for (const std::string& name : kept_) fields.push_back(source.GetFieldByName(name));
    for (const std::size_t index : chosen_) {
      const model::OutputSpec& spec = model_->signature().outputs[index];
      const std::string name = options_.prefix + spec.name;
      if (std::find(kept_.begin(), kept_.end(), name) != kept_.end()) {
        return Invalid("'" + name +
                       "' is a column of the dataset and an output of the model; set prefix, or "
                       "list in keep what shall be kept");
      }
      fields.push_back(arrow::field(name, TypeOf(spec)));
    }
    schema_ = arrow::schema(std::move(fields));
    return schema_;
  }

  // The predictions of one batch, whose values as they are stored are `source`; `first` is its
  // first row's number in the dataset.
  Result<std::shared_ptr<arrow::RecordBatch>> Predict(const arrow::RecordBatch& batch,
                                                      const arrow::RecordBatch& source,
                                                      std::int64_t first) const {
    arrow::ArrayVector columns;
    for (const std::string& name : kept_) columns.push_back(source.GetColumnByName(name));
    std::vector<arrow::ArrayVector> parts(chosen_.size());
    for (std::int64_t at = 0; at < batch.num_rows(); at += options_.batch_rows) {
      const auto rows = std::min(options_.batch_rows, batch.num_rows() - at);
      auto answered = Answer(*batch.Slice(at, rows), &parts);
      if (!answered) {
        return Wrap("rows from " + std::to_string(first + at) + " on", answered.error());
      }
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      PENSTOCK_ASSIGN(columns.emplace_back(),
                      sdk::FromArrow(arrow::Concatenate(parts[i]), "predictions"));
    }
    return arrow::RecordBatch::Make(schema_, batch.num_rows(), std::move(columns));
  }

 private:
  Result<void> Answer(const arrow::RecordBatch& rows,
                      std::vector<arrow::ArrayVector>* parts) const {
    const model::Signature& signature = model_->signature();
    std::vector<model::InputTensor> inputs;
    for (const model::InputSpec& spec : signature.inputs) {
      PENSTOCK_ASSIGN(auto input, ToInput(*rows.GetColumnByName(spec.name), spec));
      inputs.push_back(std::move(input));
    }
    PENSTOCK_TRY(model::FitInputs(signature, &inputs));
    PENSTOCK_ASSIGN(const auto prepared, model_->Prepare(std::move(inputs)));
    PENSTOCK_ASSIGN(auto raw, model_->Run(prepared));
    PENSTOCK_ASSIGN(const auto outputs, model_->Present(std::move(raw)));
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      const model::OutputSpec& spec = signature.outputs[chosen_[i]];
      PENSTOCK_ASSIGN(auto array, ToArrow(outputs[chosen_[i]], spec));
      if (array->length() != rows.num_rows()) {
        return Internal("output '" + spec.name + "' has " + std::to_string(array->length()) +
                        " rows for " + std::to_string(rows.num_rows()));
      }
      (*parts)[i].push_back(std::move(array));
    }
    return {};
  }

  std::shared_ptr<const model::Model> model_;
  Options options_;
  std::vector<std::size_t> chosen_;  // outputs
  std::vector<std::string> kept_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace

Result<void> RunPredict(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto options, ReadOptions(step));
  PENSTOCK_ASSIGN(const auto model, step.InputPath("model"));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("predictions"));
  PENSTOCK_ASSIGN(auto predictor, Predictor::Load(model, std::move(options)));

  PENSTOCK_ASSIGN(const auto all, sdk::DatasetReader::Open(dataset));
  PENSTOCK_ASSIGN(const auto columns, predictor.ColumnsToRead(*all->schema()));
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(dataset, columns));
  PENSTOCK_ASSIGN(const auto schema, predictor.MakeSchema(*reader->source_schema()));
  PENSTOCK_ASSIGN(const auto writer, sdk::DatasetWriter::Create(output, schema));
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) break;
    PENSTOCK_ASSIGN(const auto answers,
                    predictor.Predict(*batch, *reader->source(), writer->rows()));
    PENSTOCK_TRY(writer->Write(answers));
  }
  PENSTOCK_TRY(writer->Finish());
  std::printf("%lld rows\n", static_cast<long long>(writer->rows()));
  return step.WriteResult("rows", writer->rows());
}

}  // namespace penstock::predict

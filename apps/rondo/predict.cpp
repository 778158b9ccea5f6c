// rondo predict: numbers into a model, its outputs into a file.
#include <CLI/CLI.hpp>
#include <memory>

#include <rondo/npy.hpp>

#include "commands.hpp"
#include "csv_options.hpp"
#include "given_model.hpp"
#include "interrupt.hpp"
#include "samples.hpp"
#include "text.hpp"

namespace rondo::cli {

namespace {

struct PredictArguments {
  std::string model, in, out;
  Index batch_size = 32;
  CsvChoices csv;
};

constexpr const char* kPredictHelp =
    "\nIN\n"
    "  .npy         an array of the model's input shape, samples first\n"
    "  .csv, -      a row is a sample: its numbers in row-major order, so time step after time step, features within.\n"
    "               Where the model takes any number of time steps and the rows have as many columns as it has\n"
    "               features, the rows are the time steps of one sequence. A first line of names is passed over; an\n"
    "               empty cell is NaN. (.tsv and .txt are read as .csv.)\n"
    "OUT\n"
    "  .npy         the array of predictions, of a model with one output\n"
    "  .csv, -      a row for each sample; of one sequence a row for each time step, if the model gives its steps\n"
    "\nExamples:\n"
    "  rondo predict model.keras X.npy y.npy\n"
    "  cut -d, -f2,3 sensors.csv | rondo predict model.keras - - >predicted.csv\n";

class StopAtCtrlC final : public Callback {
 public:
  void on_predict_batch_end(Index) override { stop_if_interrupted(); }
};

void check_predict(const PredictArguments& o) {
  if (o.in != "-" && !is_npy(o.in) && !is_csv(o.in)) {
    throw Failure(kUsage,
                  "predict: IN must end in .npy or .csv, or be - for CSV from standard input; it is '" + o.in + "'");
  }
  if (o.out != "-" && !is_npy(o.out) && !is_csv(o.out)) {
    throw Failure(kUsage,
                  "predict: OUT must end in .npy or .csv, or be - for CSV to standard output; it is '" + o.out + "'");
  }
  if (o.csv.given && is_npy(o.in)) {
    throw Failure(kUsage, std::string("predict: ") + kCsvOptions + " are for CSV, not for '" + o.in + "'");
  }
  if (o.model == "-" && o.in == "-") {
    throw Failure(kUsage, "predict: MODEL and IN are both -; standard input can be only one of them");
  }
}

void write(const PredictArguments& o, const std::vector<Tensor>& outputs, const Samples& samples) {
  if (is_npy(o.out)) return write_npy(o.out, outputs.front());
  const std::string text = csv_of(outputs, samples);
  o.out == "-" ? print(text) : write_file(o.out, text);
}

int run_predict(const PredictArguments& o) {
  check_predict(o);
  listen_to_ctrl_c();
  const Model model = GivenModel(o.model).load(/*compile=*/false);
  const std::vector<Symbol> inputs = model.inputs();
  if (inputs.size() != 1) {
    throw Failure(kBadModel, "predict: the model has " + std::to_string(inputs.size()) + " inputs; one file has one");
  }
  if (is_npy(o.out) && model.outputs().size() != 1) {
    throw Failure(kBadModel, "predict: the model has " + std::to_string(model.outputs().size()) +
                                 " outputs, a .npy file holds one; CSV has them side by side");
  }
  const Samples samples = read_samples(o.in, inputs[0].shape(), o.csv.options);
  try {
    const PredictOptions options{
        .batch_size = o.batch_size, .verbose = 0, .callbacks = {std::make_shared<StopAtCtrlC>()}};
    write(o, model.predict_outputs(Inputs(samples.X), options), samples);
  } catch (const ShapeError& error) {
    throw Failure(kBadData,
                  replaced(error.what(), "Call reset_states() first, or use a batch_size", "Use a --batch-size"));
  }
  return kDone;
}

}  // namespace

void add_predict(CLI::App& program, Command& chosen) {
  const auto options = std::make_shared<PredictArguments>();
  CLI::App* command = program.add_subcommand("predict", "predict from a file of numbers");
  command
      ->add_option("MODEL", options->model, "a .keras or .h5 file, .onnx, .rtneural.json or .nam; - is standard input")
      ->required();
  command->add_option("IN", options->in, "the samples, .npy or .csv; - is CSV from standard input")->required();
  command->add_option("OUT", options->out, "the predictions, .npy or .csv; - is CSV to standard output")->required();
  command
      ->add_option("--batch-size", options->batch_size,
                   "samples at a time; changes no number, but of stateful models (32)")
      ->check(CLI::Range(Index{1}, Index{1} << 31));
  add_csv_options(*command, options->csv);
  command->footer(kPredictHelp);
  command->callback([options, &chosen] { chosen = [options] { return run_predict(*options); }; });
}

}  // namespace rondo::cli

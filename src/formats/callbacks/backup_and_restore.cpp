#include <filesystem>
#include <system_error>

#include <rondo/checkpoints.hpp>
#include <rondo/model.hpp>

#include "core/file_bytes.hpp"
#include "formats/callbacks/folder.hpp"
#include "formats/keras/optimizer.hpp"
#include "formats/keras/variables.hpp"
#include "training/model_node.hpp"

namespace rondo {

namespace {

constexpr const char* kEpoch = "epoch";            // that the fit goes on with
constexpr const char* kOrders = "epochs_trained";  // how many orders of the samples have been drawn
constexpr const char* kRate = "learning_rate";     // that was set, to the bit: among the variables it is a float32

using training::node_of;

Index whole_number(const hdf5::Group& root, const char* name) {
  const double number = root.attribute(name).number();
  if (number >= 0 && number < 0x1p31 && number == static_cast<double>(static_cast<Index>(number))) {
    return static_cast<Index>(number);
  }
  throw FileError(std::string("its attribute '") + name + "' is no number of epochs");
}

// Not one that follows from the step.
bool has_rate_to_set(training::ModelNode& node) {
  return node.compiled("BackupAndRestore").optimizer.rule().given_rate.schedule() == nullptr;
}

}  // namespace

BackupAndRestore::BackupAndRestore(std::string folder, const BackupAndRestoreOptions& options)
    : folder_(std::move(folder)), options_(options) {
  if (folder_.empty()) throw ConfigError("BackupAndRestore: give the folder for the backup");
}

void BackupAndRestore::on_train_begin() {
  std::error_code why;
  if (!std::filesystem::exists(path(), why) && !why) return;
  const core::FileBytes bytes(path());
  try {
    const hdf5::Group root = hdf5::File(bytes.bytes(), path()).root();
    training::ModelNode& node = node_of(model());
    const Index epoch = whole_number(root, kEpoch);
    const auto orders = static_cast<std::uint32_t>(whole_number(root, kOrders));
    keras::read_variables(root, node, /*skip_mismatch=*/false);
    if (!keras::read_optimizer(root, model())) throw FileError("its optimizer is another");
    if (has_rate_to_set(node) && root.has_attribute(kRate)) model().set_learning_rate(root.attribute(kRate).number());
    node.resumed_epoch = epoch;
    node.epochs_trained = orders;
  } catch (const Error& error) {
    throw FileError("BackupAndRestore: cannot go on from '" + path() + "': " + error.what() +
                    ". For a fit from its begin, delete the file");
  }
}

void BackupAndRestore::on_epoch_end(Index epoch, Logs&) {
  hdf5::Writer file;
  file.root().attribute(kEpoch, static_cast<std::int64_t>(epoch + 1));
  file.root().attribute(kOrders, static_cast<std::int64_t>(node_of(model()).epochs_trained));
  if (has_rate_to_set(node_of(model()))) file.root().attribute(kRate, model().learning_rate());
  keras::write_variables(node_of(model()), file.root());
  keras::write_optimizer(model(), file.root());
  formats::make_folder_of(path());
  file.save(path());
}

void BackupAndRestore::on_train_end(Logs&) {
  if (!options_.delete_checkpoint || node_of(model()).was_interrupted) return;
  std::error_code ignored;  // a file that stays is no harm
  std::filesystem::remove(path(), ignored);
  std::filesystem::remove(folder_, ignored);  // if it is empty
}

}  // namespace rondo

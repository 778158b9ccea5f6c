#include "given_model.hpp"

#include "formats.hpp"
#include "text.hpp"

namespace rondo::cli {

GivenModel::GivenModel(const std::string& argument) : name_(argument), path_(argument) {
  if (argument != "-") return;
  name_ = "standard input";
  folder_ = std::make_unique<TemporaryFolder>();
  path_ = folder_->path("model");
  write_file(path_, read_input());
}

Model GivenModel::load(bool compile) const {
  return read([&](const std::string& path) { return read_model(path, compile); });
}

std::string GivenModel::in_own_words(std::string message) const {
  if (path_ != name_) message = replaced(message, "'" + path_ + "'", name_);
  if (path_ != name_) message = replaced(message, path_, name_);
  message = replaced(message, ". To load the model without what it was compiled with: .compile = false",
                     ". rondo convert --no-compile leaves out what the model was compiled with");
  return replaced(message, "; make the model and call its load_weights",
                  "; rondo convert --architecture model.json puts them into a model");
}

}  // namespace rondo::cli

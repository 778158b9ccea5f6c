// Arrays of NumPy in files: .npy holds one, .npz several by their names.
//
//   const Tensor x = read_npy("x.npy");                                // np.save("x.npy", x)
//   const NamedTensors data = read_npz("data.npz");                    // np.savez("data.npz", x=x, y=y)
//   model.fit(data["x"], data["y"]);
//   write_npz("out.npz", {{"y", y}, {"predicted", model.predict(x)}});  // np.load("out.npz")["predicted"]
//
// A file is read as a whole, so there is room for it and for the tensors at once; Rows::npy (rows.hpp) reads a .npy
// file of any size piece by piece. Files are not trusted: what is wrong with one is a FileError that names it.
//
// Functions are pure; several threads may call them.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <rondo/tensor.hpp>

namespace rondo {

// Tensors by their names, in an order. No name is there twice.
class NamedTensors {
 public:
  NamedTensors() = default;
  // ConfigError for a name that comes twice.
  NamedTensors(std::initializer_list<std::pair<std::string, Tensor>> tensors);

  // Puts one more behind the others. ConfigError for a name that is there already.
  void add(const std::string& name, Tensor tensor);

  // ConfigError, with the known names, for another.
  const Tensor& operator[](const std::string& name) const&;
  void operator[](std::nullptr_t) const = delete;
  // Of ones that are about to end, as in `read_npz(path)["x"]`: a copy that stays.
  Tensor operator[](const std::string& name) && { return std::as_const(*this)[name]; }
  bool contains(const std::string& name) const { return places_.contains(name); }

  std::vector<std::string> names() const;
  std::size_t size() const { return tensors_.size(); }
  bool empty() const { return tensors_.empty(); }
  // Pairs of name and tensor.
  auto begin() const& { return tensors_.begin(); }
  auto end() const& { return tensors_.end(); }

 private:
  std::vector<std::pair<std::string, Tensor>> tensors_;
  std::map<std::string, std::size_t> places_;
};

// The array of a .npy file, as np.save writes it: in the order of C or Fortran, of any shape up to 8 axes, a scalar
// too. float32 stays float32, float64 float64; truth values and integers of 1 or 2 bytes become float32, those of 4 or
// 8 bytes float64, each exactly. FileError for an integer that float64 cannot hold, for other types (float16, complex
// numbers, texts, big-endian numbers, records; objects, which NumPy keeps as pickle, a program that reading would run),
// and for a file that is none of NumPy's, or shorter than it says.
Tensor read_npy(const std::string& path);

// Writes or replaces a .npy file, of the tensor's dtype and shape. It is complete or, after a FileError, as it was
// before. Equal tensors make equal files.
void write_npy(const std::string& path, const Tensor& tensor);

// The arrays of a .npz file, as np.savez and np.savez_compressed write it, under their names there, in their order.
// FileError as read_npy, and for an archive that is damaged, of more than 4 GB, or holds something else than arrays.
// (read_npz and write_npz: formats room, link rondo::rondo.)
NamedTensors read_npz(const std::string& path);

// Writes or replaces a .npz file, not compressed, as np.savez. ConfigError for a name that is empty or of more than
// 65,000 bytes; FileError as write_npy, and for more than 4 GB.
void write_npz(const std::string& path, const NamedTensors& tensors);

}  // namespace rondo

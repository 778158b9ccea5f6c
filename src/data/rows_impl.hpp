// What is behind public Rows.
#pragma once

#include <rondo/rows.hpp>

namespace rondo::detail {

class RowsImpl {
 public:
  RowsImpl(Index count, const Shape& sample, DType dtype) : count_(count), sample_(sample), dtype_(dtype) {}
  virtual ~RowsImpl() = default;
  RowsImpl(const RowsImpl&) = delete;
  RowsImpl& operator=(const RowsImpl&) = delete;

  Index count() const { return count_; }
  const Shape& sample() const { return sample_; }
  DType dtype() const { return dtype_; }
  Index elements() const { return sample_.elements(); }

  // `count` rows from one on, which are there, one behind the other.
  virtual void read(Index first, Index count, float* to) const = 0;
  virtual void read(Index first, Index count, double* to) const = 0;

 private:
  Index count_;
  Shape sample_;
  DType dtype_;
};

// Both reads from one template copy(first, count, to).
template <class Derived>
class TypedRows : public RowsImpl {
 public:
  using RowsImpl::RowsImpl;
  void read(Index first, Index count, float* to) const override { derived().copy(first, count, to); }
  void read(Index first, Index count, double* to) const override { derived().copy(first, count, to); }

 private:
  const Derived& derived() const { return static_cast<const Derived&>(*this); }
};

std::shared_ptr<const RowsImpl> npy_rows(const std::string& path);
std::shared_ptr<const RowsImpl> csv_rows(const std::string& path, const std::vector<std::string>& columns,
                                         const CsvOptions& options);

}  // namespace rondo::detail

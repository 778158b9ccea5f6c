#include <chrono>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <numeric>

#include <rondo/rondo.hpp>

#include "formats/callbacks/tensorboard/crc32c.hpp"
#include "formats/callbacks/tensorboard/summaries.hpp"
#include "support/expect_error.hpp"
#include "support/ramp.hpp"
#include "support/workshop.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

// ---- check sums

// Expectations: RFC 3720, B.4, and the usual "123456789".
TEST(Crc32c, IsThatOfTheStandard) {
  std::string rising(32, '\0');
  std::iota(rising.begin(), rising.end(), '\0');
  EXPECT_EQ(formats::crc32c(""), 0U);
  EXPECT_EQ(formats::crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(formats::crc32c(std::string(32, '\xff')), 0x62A8AB43U);
  EXPECT_EQ(formats::crc32c(rising), 0x46DD794EU);
  EXPECT_EQ(formats::crc32c(std::string(rising.rbegin(), rising.rend())), 0x113FDB5CU);
  EXPECT_EQ(formats::crc32c("123456789"), 0xE3069283U);
}

// ---- buckets

std::vector<double> counts_of(const std::vector<double>& values) {
  std::vector<double> counts;
  for (const auto& bucket : formats::buckets_of(values)) counts.push_back(bucket[2]);
  return counts;
}

TEST(Histogram, CountsInBucketsOfEqualWidth) {
  std::vector<double> values(31);
  std::iota(values.begin(), values.end(), 0.0);  // 29 and 30 share the last bucket, which has both its edges
  std::vector<double> expected(30, 1);
  expected.back() = 2;
  EXPECT_EQ(counts_of(values), expected);
  const formats::Buckets buckets = formats::buckets_of(values);
  EXPECT_EQ(buckets[0][0], 0);
  EXPECT_EQ(buckets[0][1], 1);
  EXPECT_EQ(buckets[29][0], 29);
  EXPECT_EQ(buckets[29][1], 30);
}

TEST(Histogram, OfEqualNumbersHasThemInTheLastBucket) {
  const formats::Buckets buckets = formats::buckets_of({0.5, 0.5, 0.5});
  for (const auto& [left, right, count] : buckets) EXPECT_EQ(left + right, 1);
  EXPECT_EQ(buckets[29][2], 3);
  EXPECT_EQ(buckets[28][2], 0);
}

TEST(Histogram, LeavesOutWhatIsNotFinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> counts = counts_of({std::nan(""), 1, infinity, 2, -infinity});
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0.0), 2);
  EXPECT_EQ(formats::buckets_of({infinity}), formats::Buckets{});
  EXPECT_EQ(formats::buckets_of({}), formats::Buckets{});
}

// ---- reading what was written, by rules of its own

std::uint32_t masked_sum(std::string_view bytes) {
  std::uint32_t sum = 0xFFFFFFFF;
  for (const char c : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      const std::uint32_t low = (sum ^ static_cast<std::uint32_t>(c) >> bit) & 1;
      sum = sum >> 1 ^ low * 0x82F63B78;
    }
  }
  sum = ~sum;
  return (sum >> 15 | sum << 17) + 0xA282EAD8;
}

template <class T>
T take(std::string_view& bytes) {
  T value{};
  if (bytes.size() < sizeof value) throw std::runtime_error("cut off");
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::vector<std::string_view> records_of(std::string_view file) {
  std::vector<std::string_view> records;
  while (!file.empty()) {
    const std::string_view header = file.substr(0, 8);
    const auto length = take<std::uint64_t>(file);
    EXPECT_EQ(take<std::uint32_t>(file), masked_sum(header));
    records.push_back(file.substr(0, length));
    file.remove_prefix(length);
    EXPECT_EQ(take<std::uint32_t>(file), masked_sum(records.back()));
  }
  return records;
}

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = take<std::uint8_t>(bytes);
    value |= std::uint64_t{byte & 127U} << shift;
    if (byte < 128) return value;
  }
}

// The fields of a message: bytes as they stand there, integers as 8 bytes.
std::multimap<std::uint64_t, std::string> fields_of(std::string_view message) {
  std::multimap<std::uint64_t, std::string> fields;
  while (!message.empty()) {
    const std::uint64_t tag = take_varint(message), kind = tag & 7;
    std::string value;
    if (kind == 0) {
      const std::uint64_t number = take_varint(message);
      value.assign(reinterpret_cast<const char*>(&number), sizeof number);
    } else {
      const std::size_t size = kind == 1 ? 8 : kind == 5 ? 4 : take_varint(message);
      value = message.substr(0, size);
      message.remove_prefix(size);
    }
    fields.emplace(tag >> 3, value);
  }
  return fields;
}

template <class T>
T number_of(std::string_view bytes) {
  return take<T>(bytes);
}

struct Point {
  std::int64_t step;
  std::string plugin, content, tensor;  // as they stand there
};
// The points of a file by their tags, and the time of the first.
using Points = std::map<std::string, std::vector<Point>>;

std::string field(std::string_view message, std::uint64_t number) {
  const auto fields = fields_of(message);
  const auto found = fields.find(number);
  EXPECT_EQ(fields.count(number), 1U) << number;
  return found == fields.end() ? std::string() : found->second;
}

Points points_of(const std::string& file) {
  Points points;
  const std::vector<std::string_view> records = records_of(file);
  EXPECT_EQ(field(records.at(0), 3), "brain.Event:2");
  for (std::size_t i = 1; i < records.size(); ++i) {
    const std::string value = field(field(records[i], 5), 1), plugin = field(field(value, 9), 1);
    const auto content = fields_of(plugin);
    points[field(value, 1)].push_back({number_of<std::int64_t>(field(records[i], 2)), field(plugin, 1),
                                       content.contains(2) ? field(plugin, 2) : "", field(value, 8)});
  }
  return points;
}

class TensorBoardTest : public testing::Test {
 protected:
  void SetUp() override { set_random_seed(1); }

  std::string log_dir() const { return workshop_.path("logs"); }
  static std::string name(int number) {
    std::string text = "events.out.tfevents.0000000000.rondo";
    text[29] = static_cast<char>('0' + number);
    return text;
  }
  // What the file of that number has.
  Points read(const std::string& folder, int number = 0) const {
    const std::string file = workshop_.read("logs/" + folder + "/" + name(number));
    EXPECT_FALSE(file.empty()) << folder << number;
    return file.empty() ? Points() : points_of(file);
  }
  bool exists(const std::string& file) const { return std::filesystem::exists(workshop_.path("logs/" + file)); }

  static Sequential model() {
    Sequential model({LSTM(2, {.input_shape = {4, 1}}), Dense(1)}, {.name = "two"});
    model.compile(
        {.optimizer = SGD({.learning_rate = ExponentialDecay(0.5, 4, 0.5)}), .loss = "mse", .metrics = {"mae"}});
    return model;
  }
  History fit(const Model& model, const std::shared_ptr<TensorBoard>& board, Index epochs = 2,
              bool validates = true) const {
    return model.fit(X_, y_,
                     {.batch_size = 2,
                      .epochs = epochs,
                      .verbose = 0,
                      .callbacks = {board},
                      .validation_data = validates ? ValidationData(X_, y_) : ValidationData(),
                      .shuffle = false});
  }

  const test::Workshop workshop_;
  const Tensor X_ = ramp({8, 4, 1}), y_ = ramp({8, 1});
};

std::vector<std::int64_t> steps(const Points& points, const std::string& tag) {
  std::vector<std::int64_t> all;
  if (!points.contains(tag)) return all;
  for (const Point& point : points.at(tag)) all.push_back(point.step);
  return all;
}

// The numbers of a curve, whose points are tensors (type float, no axes).
std::vector<double> curve(const Points& points, const std::string& tag) {
  std::vector<double> numbers;
  for (const Point& point : points.at(tag)) {
    EXPECT_EQ(point.plugin, "scalars");
    EXPECT_EQ(number_of<std::int64_t>(field(point.tensor, 1)), 1);
    EXPECT_EQ(field(point.tensor, 2), "");
    numbers.push_back(number_of<float>(field(point.tensor, 4)));
  }
  return numbers;
}

std::vector<double> rounded(std::vector<double> numbers) {
  for (double& number : numbers) number = static_cast<float>(number);
  return numbers;
}

std::vector<std::string> tags(const Points& points) {
  std::vector<std::string> all;
  for (const auto& [tag, of_tag] : points) all.push_back(tag);
  return all;
}

using Texts = std::vector<std::string>;
using Steps = std::vector<std::int64_t>;

TEST_F(TensorBoardTest, HasTheCurvesOfTrainingAndValidation) {
  const History history = fit(model(), make_callback<TensorBoard>(log_dir()), 3);
  const Points train = read("train"), validation = read("validation");
  EXPECT_EQ(tags(train), (Texts{"epoch_learning_rate", "epoch_loss", "epoch_mae", "keras"}));
  EXPECT_EQ(tags(validation),
            (Texts{"epoch_loss", "epoch_mae", "evaluation_loss_vs_iterations", "evaluation_mae_vs_iterations"}));
  EXPECT_EQ(steps(train, "epoch_loss"), (Steps{0, 1, 2}));
  EXPECT_EQ(curve(train, "epoch_loss"), rounded(history["loss"]));
  EXPECT_EQ(curve(train, "epoch_mae"), rounded(history["mae"]));
  EXPECT_EQ(curve(train, "epoch_learning_rate"), (std::vector<double>{0.25, 0.125, 0.0625}));
  EXPECT_EQ(curve(validation, "epoch_loss"), rounded(history["val_loss"]));
  EXPECT_EQ(steps(validation, "evaluation_loss_vs_iterations"), (Steps{4, 8, 12}));
  EXPECT_EQ(curve(validation, "evaluation_mae_vs_iterations"), rounded(history["val_mae"]));
}

TEST_F(TensorBoardTest, SaysWhenAPointWasWritten) {
  const auto now = [] {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  };
  const double before = now();
  fit(model(), make_callback<TensorBoard>(log_dir()));
  const double after = now();
  double last = before;
  const std::string file = workshop_.read("logs/train/" + name(0));
  for (const std::string_view record : records_of(file)) {
    const auto time = number_of<double>(field(record, 1));
    EXPECT_GE(time, last);
    EXPECT_LE(time, after);
    last = time;
  }
}

TEST_F(TensorBoardTest, HasTheModelsLayers) {
  const Sequential m = model();
  fit(m, make_callback<TensorBoard>(log_dir()));
  const Points train = read("train");
  const Point& graph = train.at("keras").at(0);
  EXPECT_EQ(graph.plugin, "graph_keras_model");
  EXPECT_EQ(graph.content, "1");
  EXPECT_EQ(number_of<std::int64_t>(field(graph.tensor, 1)), 7);
  EXPECT_EQ(model_from_json(field(graph.tensor, 8)).layers().size(), 2U);
  const std::string other = workshop_.path("without");
  fit(m, make_callback<TensorBoard>({.log_dir = other, .write_graph = false}), 1, false);
  EXPECT_EQ(tags(points_of(workshop_.read("without/train/" + name(0)))),
            (Texts{"epoch_learning_rate", "epoch_loss", "epoch_mae"}));
}

TEST_F(TensorBoardTest, HasAHistogramOfEachWeight) {
  const Sequential m = model();
  fit(m, make_callback<TensorBoard>({.log_dir = log_dir(), .histogram_freq = 2}), 3);
  const Points train = read("train");
  const std::vector<WeightInfo> weights = m.weights();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string tag = weights[i].path + "/histogram";
    ASSERT_TRUE(train.contains(tag)) << tag;
    EXPECT_EQ(steps(train, tag), (Steps{0, 2}));
    const Point& last = train.at(tag).back();
    EXPECT_EQ(last.plugin, "histograms");
    EXPECT_EQ(number_of<std::int64_t>(field(last.tensor, 1)), 2);
    std::vector<std::int64_t> shape;
    for (const auto& [number, size] : fields_of(field(last.tensor, 2)))
      shape.push_back(number_of<std::int64_t>(field(size, 1)));
    EXPECT_EQ(shape, (Steps{30, 3}));
    const formats::Buckets buckets = formats::buckets_of(m.get_weights()[i].to_vector());
    EXPECT_EQ(field(last.tensor, 4), std::string(reinterpret_cast<const char*>(&buckets), sizeof buckets));
  }
}

TEST_F(TensorBoardTest, WritesBatchesWhereItIsAskedTo) {
  std::vector<double> losses;
  const auto watch = make_callback<LambdaCallback>(
      LambdaCallback::Functions{.on_train_batch_end = [&](Index, Logs& logs) { losses.push_back(logs["loss"]); }});
  const auto batches = [&](const UpdateFreq& freq) {
    losses.clear();
    const auto board = make_callback<TensorBoard>({.log_dir = log_dir(), .update_freq = freq});
    model().fit(X_, y_, {.batch_size = 2, .epochs = 2, .verbose = 0, .callbacks = {board, watch}, .shuffle = false});
  };
  batches("batch");
  const Points all = read("train");
  EXPECT_EQ(steps(all, "batch_loss"), (Steps{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(curve(all, "batch_loss"), rounded(losses));
  EXPECT_EQ(steps(all, "epoch_loss"), (Steps{0, 1}));
  batches(3);
  EXPECT_EQ(steps(read("train", 1), "batch_mae"), (Steps{3, 6}));
  batches("epoch");
  EXPECT_FALSE(read("train", 2).contains("batch_loss"));
  EXPECT_FALSE(exists("validation"));
}

TEST_F(TensorBoardTest, WritesStepsASecond) {
  fit(model(), make_callback<TensorBoard>({.log_dir = log_dir(), .write_steps_per_second = true, .update_freq = 4}));
  const Points train = read("train");
  EXPECT_EQ(steps(train, "batch_steps_per_second"), (Steps{4, 8}));
  EXPECT_EQ(steps(train, "epoch_steps_per_second"), (Steps{0, 1}));
  for (const char* tag : {"batch_steps_per_second", "epoch_steps_per_second"}) {
    for (const double speed : curve(train, tag)) {
      EXPECT_GT(speed, 0) << tag;
      EXPECT_LT(speed, 1e9) << tag;
    }
  }
}

TEST_F(TensorBoardTest, WritesEachEvaluation) {
  const Sequential m = model();
  const auto board = make_callback<TensorBoard>(log_dir());
  fit(m, board, 1);
  const Evaluation evaluation = m.evaluate(X_, y_, {.verbose = 0, .callbacks = {board}});
  const Points second = read("validation", 1);
  EXPECT_EQ(tags(second), (Texts{"evaluation_loss_vs_iterations", "evaluation_mae_vs_iterations"}));
  EXPECT_EQ(steps(second, "evaluation_loss_vs_iterations"), Steps{4});
  EXPECT_EQ(curve(second, "evaluation_loss_vs_iterations"), rounded({evaluation.loss()}));
  EXPECT_FALSE(exists("train/" + name(1)));
}

TEST_F(TensorBoardTest, IsThereWhileTheFitIsAtWork) {
  const auto board = make_callback<TensorBoard>(log_dir());
  const auto watch = make_callback<LambdaCallback>(LambdaCallback::Functions{.on_epoch_end = [&](Index epoch, Logs&) {
    EXPECT_EQ(read("train").at("epoch_loss").size(), static_cast<std::size_t>(epoch) + 1);
    EXPECT_EQ(read("validation").at("epoch_loss").size(), static_cast<std::size_t>(epoch) + 1);
  }});
  model().fit(X_, y_, {.epochs = 3, .verbose = 0, .callbacks = {board, watch}, .validation_data = {X_, y_}});
}

TEST_F(TensorBoardTest, BeginsANewFileBehindAllOthers) {
  std::filesystem::create_directories(log_dir() + "/train");
  for (const char* other : {"events.out.tfevents.1700000000.host.1.v2", "events.out.tfevents.x", "notes.txt"}) {
    workshop_.write(std::string("logs/train/") + other, "");
  }
  fit(model(), make_callback<TensorBoard>(log_dir()), 1, false);
  EXPECT_TRUE(exists("train/events.out.tfevents.1700000001.rondo"));
}

TEST_F(TensorBoardTest, EndsTheFitWhereItCannotWrite) {
  workshop_.write("logs", "a file");
  expect_error<FileError>([&] { fit(model(), make_callback<TensorBoard>(log_dir())); }, {"logs/train"});
}

TEST_F(TensorBoardTest, RefusesWhatItDoesNotDo) {
  const auto refused = [](const TensorBoardOptions& options, const char* name) {
    expect_error<ConfigError>([&] { TensorBoard board(options); }, {"TensorBoard", name});
  };
  refused({.write_images = true}, "write_images");
  refused({.profile_batch = 2}, "profile_batch");
  refused({.embeddings_freq = 1}, "embeddings_freq");
  refused({.embeddings_metadata = "a.tsv"}, "embeddings_metadata");
  refused({.histogram_freq = -1}, "histogram_freq");
  refused({.log_dir = ""}, "log_dir");
  expect_error<ConfigError>([] { UpdateFreq("batches"); }, {"'batches'", "\"batch\""});
  expect_error<ConfigError>([] { UpdateFreq(0); }, {"update_freq is 0"});
}

}  // namespace
}  // namespace rondo

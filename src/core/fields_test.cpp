#include "core/fields.hpp"

#include <gtest/gtest.h>

#include "support/expect_error.hpp"

namespace rondo {

struct ToyOptions {
  Real rate = 0.5;
  bool nesterov = false;
  std::optional<std::uint64_t> seed = {};
  Shape noise_shape = {};
  std::vector<Index> dims = {1, 2};
  std::optional<DTypePolicy> dtype = {};
  std::string old_name = {};
};

template <class Visitor>
void fields(Visitor& v, Index& units, ToyOptions& o) {
  v.required("units", units);
  v("rate", o.rate);
  v("nesterov", o.nesterov);
  v.constant("unroll", false);
  v.absent("kernel_regularizer");
  v.absent("axis", -1);
  v("seed", o.seed);
  v("noise_shape", o.noise_shape);
  v("dims", o.dims);
  v("dtype", o.dtype);
  v.only_read("old_name", o.old_name);
  v.refused("lora_rank");
}

namespace {

using core::Json;
using test::expect_error;

struct Toy {
  Index units = 0;
  ToyOptions options = {};
};

Toy read(const Json& config) {
  Toy toy;
  core::read_fields("Toy", config, toy.units, toy.options);
  return toy;
}

TEST(Fields, AreWrittenInTheirOrder) {
  const ToyOptions o{.rate = 0.25,
                     .seed = 18446744073709551615U,
                     .noise_shape = {Shape::kUnknown, 1},
                     .dims = {3},
                     .dtype = "float64",
                     .old_name = "x"};
  EXPECT_EQ(
      core::with_fields({{"name", "toy"}}, Index{3}, o).dump(),
      R"({"name":"toy","units":3,"rate":0.25,"nesterov":false,"unroll":false,"kernel_regularizer":null,"axis":-1,)"
      R"("seed":18446744073709551615,"noise_shape":[null,1],"dims":[3],"dtype":"float64"})");
  EXPECT_EQ(core::config_of(Index{1}, ToyOptions()).dump(),
            R"({"units":1,"rate":0.5,"nesterov":false,"unroll":false,"kernel_regularizer":null,"axis":-1,)"
            R"("seed":null,"noise_shape":null,"dims":[1,2],"dtype":null})");
}

TEST(Fields, ComeBack) {
  const ToyOptions o{.rate = 0.25, .nesterov = true, .seed = 7, .noise_shape = {2, 1}, .dims = {}, .dtype = "float64"};
  const Json config = core::config_of(Index{3}, o);
  const Toy again = read(config);
  EXPECT_EQ(core::config_of(again.units, again.options), config);
  EXPECT_EQ(read({{"units", 3}, {"old_name", "x"}}).options.old_name, "x");
}

TEST(Fields, ThatAreMissingHaveTheirDefaults) {
  const Toy toy = read({{"units", 2}});
  EXPECT_EQ(core::config_of(toy.units, toy.options), core::config_of(Index{2}, ToyOptions()));
}

TEST(Fields, ReadWhatKerasWritesOtherwise) {
  const Json policy = {{"module", "keras"}, {"class_name", "DTypePolicy"}, {"config", {{"name", "float64"}}}};
  EXPECT_EQ(read({{"units", 1}, {"dtype", policy}}).options.dtype, DTypePolicy("float64"));
  EXPECT_FALSE(read({{"units", 1}, {"seed", {{"class_name", "SeedGenerator"}}}}).options.seed.has_value());
  EXPECT_TRUE(read({{"units", 1}, {"rate", 1}}).options.rate == 1.0);
}

TEST(Fields, OfOtherVersionsAreIgnoredWhereTheyChangeNoNumber) {
  for (const Json& off : {Json(), Json(false), Json(0), Json(0.0), Json("")}) (void)read({{"units", 1}, {"any", off}});
  for (const char* key : {"implementation", "batch_input_shape", "build_config", "module", "registered_name"}) {
    (void)read({{"units", 1}, {key, "whatever"}});
  }
  (void)read({{"units", 1}, {"unroll", true}, {"time_major", false}});
  (void)read({{"units", 1}, {"kernel_regularizer", false}, {"lora_rank", nullptr}, {"axis", -1}});
}

TEST(Fields, ThatNobodyKnowsAreRefusedWithTheNearest) {
  expect_error<ConfigError>(
      [] {
        (void)read({{"units", 1}, {"nestorov", true}});
      },
      {"Toy: the option nestorov = true is not known", "Did you mean 'nesterov'?", "Known: 'units'"});
  expect_error<ConfigError>([] { (void)read({{"units", 1}, {"time_major", true}}); }, {"time_major = true"});
}

TEST(Fields, ThatRondoDoesNotHaveAreRefusedByName) {
  expect_error<ConfigError>(
      [] {
        (void)read({{"units", 1}, {"kernel_regularizer", {{"class_name", "L2"}}}});
      },
      {R"(Toy: the option kernel_regularizer = {"class_name":"L2"} is not supported; leave it out)"});
  expect_error<ConfigError>([] { (void)read({{"units", 1}, {"lora_rank", 4}}); }, {"lora_rank = 4 is not supported"});
  expect_error<ConfigError>([] { (void)read({{"units", 1}, {"kernel_regularizer", 0}}); }, {"kernel_regularizer = 0"});
  expect_error<ConfigError>(
      [] {
        (void)read({{"units", 1}, {"axis", 0}});
      },
      {"axis = 0 is not supported; leave it out, or give -1"});
}

TEST(Fields, OfTheWrongTypeAreNamed) {
  const std::string begin = "Toy: its configuration cannot be read: ";
  expect_error<ConfigError>([] { (void)read({{"units", "ten"}}); }, {begin + "the option units = \"ten\"", "number"});
  expect_error<ConfigError>([] { (void)read({{"units", 1}, {"noise_shape", 3}}); }, {begin + "the option noise_shape"});
  expect_error<ConfigError>([] { (void)read({{"units", 1}, {"dims", {{"a", 1}}}}); }, {begin + "the option dims"});
  expect_error<ConfigError>([] { (void)read({{"rate", 1}}); }, {begin + "the option 'units' is missing"});
  expect_error<ConfigError>([] { (void)read(Json::array({1})); }, {begin + "[1] is not an object"});
}

TEST(Fields, ShortenLongValues) {
  const std::string text = core::value_text(std::string(1000, 'a'));
  EXPECT_LT(text.size(), 200U);
  EXPECT_TRUE(text.ends_with("..."));
  Json numbers = Json::array(), options = Json::object(), deep = "end";
  for (int i = 0; i < 100; ++i) {
    numbers.push_back(i * 0.5);
    options["option" + std::to_string(i)] = {i, nullptr, "text"};
    deep = {{"inside", {std::move(deep), i}}};
  }
  const Json short_ones = {1, "two", {{"three", {4.5, nullptr}}}}, key = {{std::string(500, 'k'), 1}},
             texts = Json::array({"\u00e9\n", std::string(59, 'a'), std::string(60, 'b'), "c"});
  for (const Json& value : {numbers, options, deep, short_ones, key, texts, Json(std::string(119, 'a')), Json::array(),
                            Json(std::string(118, 'a'))}) {
    const std::string all = value.dump();
    EXPECT_EQ(core::value_text(value), all.size() > 120 ? all.substr(0, 120) + "..." : all);
  }
}

TEST(Serialized, IsANameOrAClass) {
  EXPECT_EQ(core::serialized("loss", "mse").name, "mse");
  EXPECT_EQ(core::serialized("loss", {{"class_name", "function"}, {"config", "mse"}}).name, "mse");
  const Json huber = {{"class_name", "Huber"}, {"config", {{"delta", 2}}}};
  const core::Serialized given = core::serialized("loss", huber);
  EXPECT_EQ(given.class_name, "Huber");
  EXPECT_EQ(given.config["delta"], 2);
  EXPECT_EQ(core::serialized("loss", {{"class_name", "Huber"}}).config, Json::object());
  for (const Json& wrong : {Json(5), Json(), Json{{"config", 1}}, Json{{"class_name", 3}}}) {
    expect_error<ConfigError>([&] { (void)core::serialized("loss", wrong); }, {"loss ", "class_name and config"});
  }
}

TEST(Fields, TakeWholeNumbersAsWhole) {
  EXPECT_EQ(read({{"units", 3.0}}).units, 3);
  for (const Json& units : {Json(3.5), Json(1e30), Json(18446744073709551615U), Json("3"), Json(true)}) {
    expect_error<ConfigError>([&] { (void)read({{"units", units}}); }, {"Toy", "units"});
  }
  expect_error<ConfigError>([] { (void)read({{"units", 1}, {"seed", -1}}); }, {"seed = -1", "0 or more"});
  expect_error<ConfigError>([] { (void)read({{"units", 1}, {"noise_shape", {1.5}}}); }, {"noise_shape"});
  expect_error<ConfigError>([] { (void)read({{"units", 1}, {"nesterov", 1}}); }, {"nesterov = 1"});
}

TEST(Fields, TakeADtypeByItsName) {
  EXPECT_FALSE(read({{"units", 1}, {"dtype", nullptr}}).options.dtype.has_value());
  for (const Json& dtype : {Json(64), Json::object(), Json{{"config", Json::object()}}}) {
    expect_error<ConfigError>([&] { (void)read({{"units", 1}, {"dtype", dtype}}); }, {"dtype", "name"});
  }
}

TEST(Fields, NameTheKeyThatOneIsLikeEvenIfItIsOff) {
  expect_error<ConfigError>([] { (void)read({{"units", 1}, {"nestorov", false}}); }, {"nestorov", "'nesterov'"});
  EXPECT_EQ(read({{"units", 1}, {"time_major", false}}).units, 1);
}

}  // namespace
}  // namespace rondo

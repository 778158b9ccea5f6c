#include "core/keras_names.hpp"

#include <gtest/gtest.h>

namespace rondo {
namespace {

const std::vector<std::string> kOptimizers = {"adam", "rmsprop", "sgd"};

TEST(UnknownName, OffersTheNearestKnownOne) {
  EXPECT_EQ(unknown_name(NameKind::optimizer, "adan", kOptimizers),
            "optimizer 'adan' is not known. Did you mean 'adam'? Known: 'adam', 'rmsprop', 'sgd'");
  EXPECT_EQ(unknown_name(NameKind::optimizer, "follow_the_leader", kOptimizers),
            "optimizer 'follow_the_leader' is not known. Known: 'adam', 'rmsprop', 'sgd'");
}

TEST(UnknownName, SaysWhichOfKerasAreMissing) {
  for (const char* name : {"nadam", "Nadam", "adamw", "AdamW", "lion", "ftrl"}) {
    EXPECT_EQ(
        unknown_name(NameKind::optimizer, name, kOptimizers),
        "optimizer '" + std::string(name) + "' is in Keras, but not in Rondo yet. Known: 'adam', 'rmsprop', 'sgd'");
  }
  const std::vector<std::string> none;
  const std::string missing = "is in Keras, but not in Rondo yet";
  for (const auto& [kind, name] :
       std::vector<std::pair<NameKind, const char*>>{{NameKind::loss, "huber"},
                                                     {NameKind::loss, "logcosh"},
                                                     {NameKind::loss, "MAPE"},
                                                     {NameKind::metric, "auc"},
                                                     {NameKind::metric, "AUC"},
                                                     {NameKind::metric, "F1Score"},
                                                     {NameKind::initializer, "he_normal"},
                                                     {NameKind::initializer, "HeNormal"},
                                                     {NameKind::layer, "GRU"},
                                                     {NameKind::layer, "CuDNNLSTM"},
                                                     {NameKind::regularizer, "l2"},
                                                     {NameKind::constraint, "MaxNorm"},
                                                     {NameKind::callback, "EarlyStopping"}}) {
    EXPECT_NE(unknown_name(kind, name, none).find(missing), std::string::npos) << unknown_name(kind, name, none);
  }
}

TEST(UnknownName, SaysSoWhenTheNearestIsMissingToo) {
  EXPECT_EQ(unknown_name(NameKind::optimizer, "adagrat", kOptimizers),
            "optimizer 'adagrat' is not known. Did you mean 'adagrad'? That is in Keras, but not in Rondo yet. "
            "Known: 'adam', 'rmsprop', 'sgd'");
}

TEST(UnknownName, KnowsWhatStandsInTheWrongPlace) {
  EXPECT_EQ(unknown_name(NameKind::optimizer, "mse", kOptimizers),
            "optimizer 'mse' is not known: in Keras that is a loss. Known: 'adam', 'rmsprop', 'sgd'");
  EXPECT_NE(unknown_name(NameKind::initializer, "l2", {}).find("a regularizer"), std::string::npos);
  EXPECT_NE(unknown_name(NameKind::activation, "PReLU", {}).find("a layer"), std::string::npos);
}

TEST(UnknownName, CaseAndUnderscoresDoNotHideAKnownOne) {
  const std::vector<std::string> known = {"leaky_relu", "relu"};
  EXPECT_NE(unknown_name(NameKind::activation, "LeakyReLU", known).find("Did you mean 'leaky_relu'?"),
            std::string::npos);
}

}  // namespace
}  // namespace rondo

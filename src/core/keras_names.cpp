#include "core/keras_names.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "core/names.hpp"

namespace rondo {

namespace {

struct Names {
  NameKind kind;
  const char* word;
  const char* with_article;
  std::string_view list;  // separated by blanks
};

// Of Keras 3.15.1, with its short forms and the spellings of earlier versions. Class names ("Nadam", "HeNormal") are
// found through these: case and underscores do not count.
constexpr auto kKeras = std::to_array<Names>({
    {NameKind::optimizer, "optimizer", "an optimizer",
     "adadelta adafactor adagrad adam adamax adamw ftrl lamb lion lossscaleoptimizer muon nadam rmsprop "
     "schedulefreeadamw sgd"},
    {NameKind::schedule, "schedule", "a learning-rate schedule",
     "CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay"},
    {NameKind::loss, "loss", "a loss",
     "bce binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy "
     "categorical_generalized_cross_entropy categorical_hinge ce circle cosine_proximity cosine_similarity "
     "crossentropy ctc dice hinge huber huber_loss kl_divergence kld kullback_leibler_divergence log_cosh mae mape "
     "mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error mse "
     "msle poisson sparse_categorical_crossentropy squared_hinge tversky"},
    {NameKind::metric, "metric", "a metric",
     "acc accuracy auc bce binary_accuracy binary_crossentropy binary_focal_crossentropy binary_iou "
     "categorical_accuracy categorical_crossentropy categorical_focal_crossentropy categorical_hinge "
     "concordance_correlation cosine_proximity cosine_similarity f1_score f_beta_score false_negatives "
     "false_positives fmeasure hinge huber iou kl_divergence kld kullback_leibler_divergence log_cosh "
     "log_cosh_error mae mape mean mean_absolute_error mean_absolute_percentage_error mean_iou mean_squared_error "
     "mean_squared_logarithmic_error mse msle one_hot_iou one_hot_mean_iou pearson_correlation poisson precision "
     "precision_at_recall r2_score recall recall_at_precision root_mean_squared_error sensitivity_at_specificity "
     "sparse_categorical_accuracy sparse_categorical_crossentropy sparse_top_k_categorical_accuracy "
     "specificity_at_sensitivity squared_hinge sum top_k_categorical_accuracy true_negatives true_positives"},
    {NameKind::activation, "activation", "an activation",
     "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear "
     "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
     "sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold"},
    {NameKind::initializer, "initializer", "an initializer",
     "constant glorot_normal glorot_uniform he_normal he_uniform identity identity_initializer lecun_normal "
     "lecun_uniform normal one ones orthogonal random_normal random_uniform stft "
     "stft_initializer truncated_normal uniform variance_scaling zero zeros"},
    {NameKind::regularizer, "regularizer", "a regularizer", "l1 l1_l2 l1l2 l2 orthogonal_regularizer"},
    {NameKind::constraint, "constraint", "a constraint", "max_norm min_max_norm non_neg unit_norm"},
    {NameKind::layer, "layer", "a layer",
     "Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D "
     "AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention "
     "AugMix AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D "
     "BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate "
     "ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D "
     "Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D "
     "Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D Cropping3D CuDNNGRU "
     "CuDNNLSTM CutMix Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout EinsumDense ELU Embedding "
     "Equalization Flatten FlaxLayer GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D "
     "GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D "
     "GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization "
     "GroupQueryAttention GRU GRUCell HashedCrossing Hashing Identity Input InputLayer IntegerLookup JaxLayer "
     "Lambda LayerNormalization LeakyReLU LocallyConnected1D LocallyConnected2D LSTM LSTMCell Masking Maximum "
     "MaxNumBoundingBoxes MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D MelSpectrogram "
     "Minimum MixUp MultiHeadAttention Multiply Normalization Permute Pipeline PReLU RandAugment RandomBrightness "
     "RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing "
     "RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization "
     "RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom ReLU RepeatVector "
     "Rescaling Reshape Resizing ReversibleEmbedding RMSNormalization RNN SeparableConv1D SeparableConv2D "
     "SeparableConvolution1D SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D "
     "SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells STFTSpectrogram StringLookup "
     "Subtract TextVectorization TFSMLayer ThresholdedReLU TimeDistributed TorchModuleWrapper UnitNormalization "
     "UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D"},
    {NameKind::callback, "callback", "a callback",
     "BackupAndRestore CSVLogger EarlyStopping LambdaCallback LearningRateScheduler ModelCheckpoint "
     "OrbaxCheckpoint ProgbarLogger ReduceLROnPlateau RemoteMonitor SwapEMAWeights TensorBoard TerminateOnNaN"},
});

const Names& names_of(NameKind kind) {
  return *std::find_if(kKeras.begin(), kKeras.end(), [kind](const Names& n) { return n.kind == kind; });
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    words.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

std::string folded(std::string_view name) {
  std::string text = lower_case(name);
  std::erase(text, '_');
  return text;
}

bool has(const Names& names, std::string_view given) {
  const std::vector<std::string> all = split(names.list);
  return std::any_of(all.begin(), all.end(), [&](const std::string& n) { return folded(n) == folded(given); });
}

// What to say between "optimizer 'nadam' " and " Known: ...".
std::string verdict(NameKind kind, std::string_view given, std::span<const std::string> known) {
  constexpr std::size_t kLongest = 100;  // no name is so long; what a file gives may have megabytes
  if (given.size() > kLongest) return " is not known.";
  const char* missing = " is in Keras, but not in Rondo yet.";
  for (const std::string& name : known) {
    if (folded(name) == folded(given)) return " is not known. Did you mean '" + name + "'?";
  }
  if (has(names_of(kind), given)) return missing;
  for (const Names& other : kKeras) {
    if (other.kind != kind && has(other, given)) {
      return std::string(" is not known: in Keras that is ") + other.with_article + ".";
    }
  }
  // Rondo's names first: of two that are as near, one that works.
  std::vector<std::string> candidates(known.begin(), known.end());
  for (std::string& name : split(names_of(kind).list)) candidates.push_back(std::move(name));
  const std::string* nearest = nearest_name(given, candidates);
  if (nearest == nullptr) return " is not known.";
  const bool works = nearest - candidates.data() < static_cast<std::ptrdiff_t>(known.size());
  return " is not known. Did you mean '" + *nearest + "'?" + (works ? "" : " That" + std::string(missing));
}

}  // namespace

std::string unknown_name(NameKind kind, std::string_view given, std::span<const std::string> known) {
  std::string subject = names_of(kind).word;
  if (kind == NameKind::layer) subject += " class";
  return subject + " '" + std::string(given) + "'" + verdict(kind, given, known) + " Known: " + quoted_list(known);
}

}  // namespace rondo

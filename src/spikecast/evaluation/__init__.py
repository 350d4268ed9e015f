"""Cross-validation, score tables, intervals and verdicts."""

from spikecast.evaluation.cross_validation import cross_validate as cross_validate
from spikecast.evaluation.cross_validation import score_predictions as score_predictions
from spikecast.evaluation.evaluate import evaluate as evaluate
from spikecast.evaluation.folds import make_folds as make_folds
from spikecast.evaluation.score_table import Scores as Scores
